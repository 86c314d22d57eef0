-- Claiming on SQLite, inside BEGIN IMMEDIATE: there is one writer, so no row is locked.

-- name: columns
id, type, args, queue, priority, status, receive_count, max_receives, last_error,
created_at, started_at, finished_at, visible_at

-- The substr() of an empty blob is NULL.
-- name: preview_columns
id, type, coalesce(substr(args, 1, :preview), x''), queue, priority, status, receive_count, max_receives,
substr(last_error, 1, :preview), created_at, started_at, finished_at, visible_at

-- differs: no LATERAL; correlated, limited subqueries per pair walk the same indexes. The best
-- pairs by their first task are walked, and the due tasks of all.
-- name: claim
WITH pair AS MATERIALIZED (
  SELECT json_extract(value, '$[0]') AS queue, json_extract(value, '$[1]') AS type
  FROM json_each(:pairs)
), best AS MATERIALIZED (
  SELECT pair.queue, pair.type FROM pair CROSS JOIN {tasks} AS first ON first.rowid = (
    SELECT walk.rowid FROM {tasks} AS walk
    WHERE walk.queue = pair.queue AND walk.type = pair.type
        AND walk.status NOT IN ('SUCCESSFUL', 'FAILED') AND walk.visible_at <= -62135596800000000
        AND (walk.max_receives = 0 OR walk.receive_count < walk.max_receives)
    ORDER BY {order} LIMIT 1)
  ORDER BY {order} LIMIT :limit
)
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1, visible_at = :until
WHERE rowid IN (
  SELECT id FROM (
    SELECT found.rowid AS id, found.created_at, found.priority, found.id AS last
    FROM best AS pair CROSS JOIN {tasks} AS found ON found.rowid IN (
      SELECT walk.rowid FROM {tasks} AS walk
      WHERE walk.queue = pair.queue AND walk.type = pair.type
        AND walk.status NOT IN ('SUCCESSFUL', 'FAILED') AND walk.visible_at <= -62135596800000000
        AND (walk.max_receives = 0 OR walk.receive_count < walk.max_receives)
      ORDER BY {order} LIMIT :limit)
    UNION ALL
    SELECT found.rowid, found.created_at, found.priority, found.id
    FROM pair CROSS JOIN {tasks} AS found ON found.rowid IN (
      SELECT walk.rowid FROM {tasks} AS walk
      WHERE walk.queue = pair.queue AND walk.type = pair.type
        AND walk.status NOT IN ('SUCCESSFUL', 'FAILED') AND walk.visible_at > -62135596800000000 AND walk.visible_at <= :now
        AND (walk.max_receives = 0 OR walk.receive_count < walk.max_receives)
      ORDER BY walk.visible_at LIMIT :due)
  ) ORDER BY {order}, last LIMIT :limit)
RETURNING {columns}

-- name: claim_many

-- Whether any task of these pairs is due, and whether any at all is exhausted: mostly none, and
-- then what looks for them, each with tables of its own to make, isn't run.
-- name: claim_extent
SELECT EXISTS (
  SELECT 1 FROM json_each(:pairs) AS pair CROSS JOIN {tasks} AS found
  WHERE found.queue = json_extract(pair.value, '$[0]')
    AND found.type = json_extract(pair.value, '$[1]')
    AND found.status NOT IN ('SUCCESSFUL', 'FAILED')
    AND found.visible_at > -62135596800000000 AND found.visible_at <= :now
), EXISTS (
  SELECT 1 FROM {tasks} WHERE max_receives > 0 AND receive_count >= max_receives
    AND status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at <= :now
)

-- name: claim_near

-- name: near_ready

-- name: near_due

-- name: near_oldest

-- name: claim_heads

-- name: claim_due_heads

-- Of a few pairs without due tasks. A walk that names its pair takes a tenth of the time.
-- name: claim_ready
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1, visible_at = :until
WHERE rowid IN (
  SELECT number FROM ({branches}) ORDER BY {order}, id LIMIT :limit)
RETURNING {columns}

-- name: claim_ready_of_pair
SELECT * FROM (
  SELECT rowid AS number, created_at, priority, id FROM {tasks}
  WHERE queue = :queue_{pair} AND type = :type_{pair}
    AND status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at <= -62135596800000000
    AND (max_receives = 0 OR receive_count < max_receives)
  ORDER BY {order} LIMIT :limit)

-- name: claim_due

-- name: lock

-- name: turn

-- name: end_turn

-- name: claim_unindexed

-- name: lease

-- name: fail_exhausted
UPDATE {tasks} SET status = 'FAILED', finished_at = :now,
  last_error = :reason || coalesce(char(10) || last_error, '')
WHERE max_receives > 0 AND receive_count >= max_receives
  AND status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at <= :now
  AND (queue, type) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:pairs))

-- Each min() is one probe of a claim index, however many rows a pair has.
-- name: claimable_pairs
WITH RECURSIVE ready_queue(queue) AS (
  SELECT min(queue) FROM {tasks} WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at <= -62135596800000000
  UNION ALL
  SELECT (SELECT min(queue) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at <= -62135596800000000 AND queue > ready_queue.queue)
  FROM ready_queue WHERE ready_queue.queue IS NOT NULL
), ready(queue, type) AS (
  SELECT queue, (SELECT min(type) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at <= -62135596800000000 AND queue = ready_queue.queue)
  FROM ready_queue WHERE ready_queue.queue IS NOT NULL
  UNION ALL
  SELECT queue, (SELECT min(type) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at <= -62135596800000000 AND queue = ready.queue AND type > ready.type)
  FROM ready WHERE ready.type IS NOT NULL
), due_queue(queue) AS (
  SELECT min(queue) FROM {tasks} WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at > -62135596800000000
  UNION ALL
  SELECT (SELECT min(queue) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at > -62135596800000000 AND queue > due_queue.queue)
  FROM due_queue WHERE due_queue.queue IS NOT NULL
), due(queue, type) AS (
  SELECT queue, (SELECT min(type) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at > -62135596800000000 AND queue = due_queue.queue)
  FROM due_queue WHERE due_queue.queue IS NOT NULL
  UNION ALL
  SELECT queue, (SELECT min(type) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at > -62135596800000000 AND queue = due.queue AND type > due.type)
  FROM due WHERE due.type IS NOT NULL
)
SELECT queue, type, 0.0 FROM ready WHERE type IS NOT NULL
UNION ALL
SELECT queue, type, max(0, first - :now) / 1e6 FROM (
  SELECT queue, type, (SELECT min(visible_at) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at > -62135596800000000
      AND queue = due.queue AND type = due.type) AS first
  FROM due WHERE type IS NOT NULL)
WHERE first <= :now + :horizon * 1000000

-- name: claimable_pairs_of

-- name: newest_pairs
SELECT queue, type, max(0, min(visible_at) - :now) / 1e6 FROM (
  SELECT queue, type, visible_at FROM {tasks} WHERE status = 'NEW'
  ORDER BY created_at DESC LIMIT :newest)
WHERE visible_at <= :now + :horizon * 1000000
GROUP BY queue, type
