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

-- MATERIALIZED: as a plain subquery the planner may run it again and lock more than LIMIT.
-- ARRAY: joined as a table the candidates are hashed against a scan of all rows. Locked rows
-- stay where they are, so their ctid finds them again without a walk of the primary key.
-- The count is a one-time filter: a claim that fills up never looks for exhausted tasks, and
-- ORDER BY leads the search for them to the index that holds nothing else.
-- name: claim_created
WITH candidate AS MATERIALIZED (
  SELECT walk.ctid FROM unnest(%(queues)s::text[]) AS q(queue)
  CROSS JOIN unnest(%(types)s::text[]) AS t(type)
  CROSS JOIN LATERAL (
    SELECT ctid, id, created_at, priority FROM {tasks}
    WHERE queue = q.queue AND type = t.type
      AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
      AND visible_at <= statement_timestamp()
      AND (max_receives = 0 OR receive_count < max_receives)
    ORDER BY created_at, priority DESC LIMIT %(limit)s FOR UPDATE SKIP LOCKED
  ) AS walk
  ORDER BY walk.created_at, walk.priority DESC, walk.id LIMIT %(limit)s
), exhausted AS MATERIALIZED (
  SELECT id, queue, type FROM {tasks}
  WHERE (SELECT count(*) FROM candidate) < %(limit)s
    AND max_receives > 0 AND receive_count >= max_receives
    AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
    AND visible_at <= statement_timestamp()
  ORDER BY visible_at FOR UPDATE SKIP LOCKED
), ended AS (
  UPDATE {tasks} SET status = 'FAILED', finished_at = statement_timestamp(),
    last_error = concat_ws(E'\n', %(reason)s::text, last_error)
  WHERE id = ANY(ARRAY(SELECT id FROM exhausted
    WHERE queue = ANY(%(queues)s::text[]) AND type = ANY(%(types)s::text[]) LIMIT 1000))
)
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1,
  visible_at = statement_timestamp() + make_interval(secs => %(timeout)s)
WHERE ctid = ANY(ARRAY(SELECT ctid FROM candidate))
RETURNING {columns}

-- name: claim_priority
WITH candidate AS MATERIALIZED (
  SELECT walk.ctid FROM unnest(%(queues)s::text[]) AS q(queue)
  CROSS JOIN unnest(%(types)s::text[]) AS t(type)
  CROSS JOIN LATERAL (
    SELECT ctid, id, created_at, priority FROM {tasks}
    WHERE queue = q.queue AND type = t.type
      AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
      AND visible_at <= statement_timestamp()
      AND (max_receives = 0 OR receive_count < max_receives)
    ORDER BY priority DESC, created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
  ) AS walk
  ORDER BY walk.priority DESC, walk.created_at, walk.id LIMIT %(limit)s
), exhausted AS MATERIALIZED (
  SELECT id, queue, type FROM {tasks}
  WHERE (SELECT count(*) FROM candidate) < %(limit)s
    AND max_receives > 0 AND receive_count >= max_receives
    AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
    AND visible_at <= statement_timestamp()
  ORDER BY visible_at FOR UPDATE SKIP LOCKED
), ended AS (
  UPDATE {tasks} SET status = 'FAILED', finished_at = statement_timestamp(),
    last_error = concat_ws(E'\n', %(reason)s::text, last_error)
  WHERE id = ANY(ARRAY(SELECT id FROM exhausted
    WHERE queue = ANY(%(queues)s::text[]) AND type = ANY(%(types)s::text[]) LIMIT 1000))
)
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1,
  visible_at = statement_timestamp() + make_interval(secs => %(timeout)s)
WHERE ctid = ANY(ARRAY(SELECT ctid FROM candidate))
RETURNING {columns}

-- name: claim_branch

-- name: lease

-- The claim above does this itself.
-- name: fail_exhausted

-- A loose walk of the claim index: one probe per kind, however many rows it has.
-- name: open_kinds
WITH RECURSIVE kind AS (
  (SELECT queue, type FROM {tasks} WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
   ORDER BY queue, type LIMIT 1)
  UNION ALL
  SELECT further.queue, further.type FROM kind CROSS JOIN LATERAL (
    SELECT queue, type FROM {tasks}
    WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
      AND (queue, type) > (kind.queue, kind.type)
    ORDER BY queue, type LIMIT 1) AS further
)
SELECT queue, type FROM kind
