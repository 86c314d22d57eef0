-- Claiming on PostgreSQL. Statuses are literals, or the partial indexes can't be used.

-- Times cross as UTC without a zone: psycopg refuses year 1 in zones west of UTC. What no
-- datetime can hold, `infinity` too, is shown as the nearest it can.
-- name: columns
id, type, args, queue, priority, status, receive_count, max_receives, last_error,
least(greatest(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC',
CASE WHEN started_at IS NOT NULL THEN
  least(greatest(started_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC' END,
CASE WHEN finished_at IS NOT NULL THEN
  least(greatest(finished_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC' END,
least(greatest(visible_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC'

-- name: preview_columns
id, type, substring(args FROM 1 FOR %(preview)s), queue, priority, status, receive_count,
max_receives, left(last_error, %(preview)s),
least(greatest(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC',
CASE WHEN started_at IS NOT NULL THEN
  least(greatest(started_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC' END,
CASE WHEN finished_at IS NOT NULL THEN
  least(greatest(finished_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC' END,
least(greatest(visible_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC'

-- A task that was never delayed nor leased is visible since year 1: those stand in an index in
-- the order of claims. Delayed, retried and leased ones stand in another, in the order in which
-- they become visible, so that a claim never passes those that aren't. Of the due ones a claim
-- looks at the first %(due)s of each pair.
-- MATERIALIZED: as a plain subquery the planner may run it again and lock more than LIMIT.
-- ARRAY: joined as a table the candidates are hashed against a scan of all rows. Locked rows
-- stay where they are, so their ctid finds them again without a walk of the primary key.
-- The count is a one-time filter: a claim that fills up never looks for exhausted tasks, and
-- ORDER BY leads the search for them to the index that holds nothing else.
-- name: claim
WITH candidate AS MATERIALIZED (
  SELECT ctid, status FROM unnest(%(queues)s::text[], %(types)s::text[]) AS pair(queue, type)
  CROSS JOIN LATERAL (
    SELECT * FROM (
      SELECT ctid, id, created_at, priority, status FROM {tasks}
      WHERE queue = pair.queue AND type = pair.type
        AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
        AND visible_at <= '0001-01-01 00:00:00+00'
        AND (max_receives = 0 OR receive_count < max_receives)
      ORDER BY {order} LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS ready
    UNION ALL
    SELECT * FROM (
      SELECT ctid, id, created_at, priority, status FROM {tasks}
      WHERE queue = pair.queue AND type = pair.type
        AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
        AND visible_at > '0001-01-01 00:00:00+00' AND visible_at <= statement_timestamp()
        AND (max_receives = 0 OR receive_count < max_receives)
      ORDER BY visible_at LIMIT %(due)s FOR UPDATE SKIP LOCKED) AS due
  ) AS walk
  ORDER BY {order}, id LIMIT %(limit)s
), exhausted AS MATERIALIZED (
  SELECT ctid, id, queue, type, status FROM {tasks}
  WHERE (SELECT count(*) FROM candidate) < %(limit)s
    AND max_receives > 0 AND receive_count >= max_receives
    AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
    AND visible_at <= statement_timestamp()
  ORDER BY visible_at FOR UPDATE SKIP LOCKED
), ended AS (
  UPDATE {tasks} SET status = 'FAILED', finished_at = statement_timestamp(),
    last_error = concat_ws(E'\n', %(reason)s::text, last_error)
  WHERE id = ANY(ARRAY(SELECT id FROM exhausted WHERE (queue, type) IN (
    SELECT * FROM unnest(%(queues)s::text[], %(types)s::text[])) LIMIT 1000))
){crashes}
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1,
  visible_at = statement_timestamp() + make_interval(secs => %(timeout)s)
WHERE ctid = ANY(ARRAY(SELECT ctid FROM candidate))
RETURNING {columns}

-- The same for many pairs, without locking the limit's rows of each: the best pairs by their
-- first task, the best tasks of these, twice as many as wanted, and of them those that nobody
-- else has locked.
-- name: claim_many
WITH best AS MATERIALIZED (
  SELECT pair.queue, pair.type
  FROM unnest(%(queues)s::text[], %(types)s::text[]) AS pair(queue, type)
  CROSS JOIN LATERAL (
      SELECT created_at, priority FROM {tasks}
      WHERE queue = pair.queue AND type = pair.type
        AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
        AND visible_at <= '0001-01-01 00:00:00+00'
        AND (max_receives = 0 OR receive_count < max_receives)
      ORDER BY {order} LIMIT 1) AS first
  ORDER BY {order} LIMIT 2 * %(limit)s
), found AS MATERIALIZED (
  SELECT * FROM (
    SELECT walk.* FROM best AS pair CROSS JOIN LATERAL (
      SELECT ctid, id, created_at, priority FROM {tasks}
      WHERE queue = pair.queue AND type = pair.type
        AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
        AND visible_at <= '0001-01-01 00:00:00+00'
        AND (max_receives = 0 OR receive_count < max_receives)
      ORDER BY {order} LIMIT 2 * %(limit)s) AS walk
    UNION ALL
    SELECT walk.* FROM unnest(%(queues)s::text[], %(types)s::text[]) AS pair(queue, type)
    CROSS JOIN LATERAL (
      SELECT ctid, id, created_at, priority FROM {tasks}
      WHERE queue = pair.queue AND type = pair.type
        AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
        AND visible_at > '0001-01-01 00:00:00+00' AND visible_at <= statement_timestamp()
        AND (max_receives = 0 OR receive_count < max_receives)
      ORDER BY visible_at LIMIT %(due)s) AS walk
  ) AS walk
  ORDER BY {order}, id LIMIT 2 * %(limit)s
), candidate AS MATERIALIZED (
  SELECT locked.ctid, locked.status FROM found CROSS JOIN LATERAL (
    SELECT ctid, status FROM {tasks}
    WHERE ctid = found.ctid AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
      AND visible_at <= statement_timestamp()
      AND (max_receives = 0 OR receive_count < max_receives)
    FOR UPDATE SKIP LOCKED) AS locked
  LIMIT %(limit)s
){crashes}
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1,
  visible_at = statement_timestamp() + make_interval(secs => %(timeout)s)
WHERE ctid = ANY(ARRAY(SELECT ctid FROM candidate))
RETURNING {columns}

-- name: claim_extent

-- name: claim_near

-- name: near_ready

-- name: near_due

-- name: near_oldest

-- name: claim_heads

-- name: claim_due_heads

-- name: claim_ready

-- name: claim_ready_of_pair

-- name: claim_due

-- name: lock

-- name: turn

-- name: end_turn

-- name: claim_unindexed

-- name: lease

-- The claim above does this itself.
-- name: fail_exhausted

-- Loose walks of the two claim indexes: one probe per pair, however many rows it has.
-- name: claimable_pairs
WITH RECURSIVE ready AS (
  (SELECT queue, type FROM {tasks}
   WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at <= '0001-01-01 00:00:00+00'
   ORDER BY queue, type LIMIT 1)
  UNION ALL
  SELECT further.queue, further.type FROM ready CROSS JOIN LATERAL (
    SELECT queue, type FROM {tasks}
    WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at <= '0001-01-01 00:00:00+00'
      AND (queue, type) > (ready.queue, ready.type)
    ORDER BY queue, type LIMIT 1) AS further
), due AS (
  (SELECT queue, type, visible_at FROM {tasks}
   WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at > '0001-01-01 00:00:00+00'
   ORDER BY queue, type, visible_at LIMIT 1)
  UNION ALL
  SELECT further.* FROM due CROSS JOIN LATERAL (
    SELECT queue, type, visible_at FROM {tasks}
    WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at > '0001-01-01 00:00:00+00'
      AND (queue, type) > (due.queue, due.type)
    ORDER BY queue, type, visible_at LIMIT 1) AS further
)
SELECT queue, type, 0::float8 FROM ready
UNION ALL
SELECT queue, type,
  extract(epoch FROM greatest(visible_at, statement_timestamp()) - statement_timestamp())::float8
FROM due
WHERE visible_at <= statement_timestamp() + make_interval(secs => %(horizon)s)

-- The same walks for few types: from each pair they jump to the next type wanted, or to the next
-- queue. The SELECT of no rows gives the names the collation that the index is sorted by.
-- name: claimable_pairs_of
WITH RECURSIVE wanted AS MATERIALIZED (
  SELECT type FROM {tasks} WHERE false UNION ALL SELECT unnest(%(types)s::text[])
), ready AS (
  (SELECT queue, type FROM {tasks}
   WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at <= '0001-01-01 00:00:00+00'
   ORDER BY queue, type LIMIT 1)
  UNION ALL
  SELECT further.queue, further.type FROM ready
  CROSS JOIN LATERAL (SELECT min(type) AS type FROM wanted WHERE type > ready.type) AS next
  CROSS JOIN LATERAL (
    (SELECT queue, type FROM {tasks}
     WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at <= '0001-01-01 00:00:00+00'
       AND next.type IS NOT NULL AND (queue, type) >= (ready.queue, next.type)
     ORDER BY queue, type LIMIT 1)
    UNION ALL
    (SELECT queue, type FROM {tasks}
     WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at <= '0001-01-01 00:00:00+00'
       AND next.type IS NULL AND queue > ready.queue
     ORDER BY queue, type LIMIT 1)) AS further
), due AS (
  (SELECT queue, type, visible_at FROM {tasks}
   WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at > '0001-01-01 00:00:00+00'
   ORDER BY queue, type, visible_at LIMIT 1)
  UNION ALL
  SELECT further.* FROM due
  CROSS JOIN LATERAL (SELECT min(type) AS type FROM wanted WHERE type > due.type) AS next
  CROSS JOIN LATERAL (
    (SELECT queue, type, visible_at FROM {tasks}
     WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at > '0001-01-01 00:00:00+00'
       AND next.type IS NOT NULL AND (queue, type) >= (due.queue, next.type)
     ORDER BY queue, type, visible_at LIMIT 1)
    UNION ALL
    (SELECT queue, type, visible_at FROM {tasks}
     WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at > '0001-01-01 00:00:00+00'
       AND next.type IS NULL AND queue > due.queue
     ORDER BY queue, type, visible_at LIMIT 1)) AS further
)
SELECT queue, type, 0::float8 FROM ready WHERE type = ANY(%(types)s)
UNION ALL
SELECT queue, type,
  extract(epoch FROM greatest(visible_at, statement_timestamp()) - statement_timestamp())::float8
FROM due
WHERE type = ANY(%(types)s)
  AND visible_at <= statement_timestamp() + make_interval(secs => %(horizon)s)

-- name: newest_pairs
SELECT queue, type,
  extract(epoch FROM greatest(min(visible_at), statement_timestamp()) - statement_timestamp())::float8
FROM (
  SELECT queue, type, visible_at FROM {tasks} WHERE status = 'NEW'
  ORDER BY created_at DESC LIMIT %(newest)s) AS newest
WHERE visible_at <= statement_timestamp() + make_interval(secs => %(horizon)s)
GROUP BY queue, type
