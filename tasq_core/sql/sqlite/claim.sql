-- Claiming on SQLite, inside BEGIN IMMEDIATE: there is one writer, so no row is locked.

-- name: columns
id, type, args, queue, priority, status, receive_count, max_receives, last_error,
created_at, started_at, finished_at, visible_at

-- The substr() of an empty blob is NULL.
-- name: preview_columns
id, type, coalesce(substr(args, 1, :preview), x''), queue, priority, status, receive_count, max_receives,
substr(last_error, 1, :preview), created_at, started_at, finished_at, visible_at

-- differs: no LATERAL; a correlated, limited subquery per pair walks the same index.
-- name: claim_created
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1, visible_at = :until
WHERE rowid IN (
  SELECT found.rowid
  FROM json_each(:queues) AS q CROSS JOIN json_each(:types) AS t
  CROSS JOIN {tasks} AS found ON found.rowid IN (
    SELECT walk.rowid FROM {tasks} AS walk
    WHERE walk.queue = q.value AND walk.type = t.value
      AND walk.status NOT IN ('SUCCESSFUL', 'FAILED') AND walk.visible_at <= :now
      AND (walk.max_receives = 0 OR walk.receive_count < walk.max_receives)
    ORDER BY walk.created_at, walk.priority DESC LIMIT :limit)
  ORDER BY found.created_at, found.priority DESC, found.id LIMIT :limit)
RETURNING {columns}

-- name: claim_priority
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1, visible_at = :until
WHERE rowid IN (
  SELECT found.rowid
  FROM json_each(:queues) AS q CROSS JOIN json_each(:types) AS t
  CROSS JOIN {tasks} AS found ON found.rowid IN (
    SELECT walk.rowid FROM {tasks} AS walk
    WHERE walk.queue = q.value AND walk.type = t.value
      AND walk.status NOT IN ('SUCCESSFUL', 'FAILED') AND walk.visible_at <= :now
      AND (walk.max_receives = 0 OR walk.receive_count < walk.max_receives)
    ORDER BY walk.priority DESC, walk.created_at LIMIT :limit)
  ORDER BY found.priority DESC, found.created_at, found.id LIMIT :limit)
RETURNING {columns}

-- name: claim_branch

-- name: lease

-- name: fail_exhausted
UPDATE {tasks} SET status = 'FAILED', finished_at = :now,
  last_error = :reason || coalesce(char(10) || last_error, '')
WHERE max_receives > 0 AND receive_count >= max_receives
  AND status NOT IN ('SUCCESSFUL', 'FAILED') AND visible_at <= :now
  AND queue IN (SELECT value FROM json_each(:queues))
  AND type IN (SELECT value FROM json_each(:types))

-- Each min() is one probe of the claim index, however many rows a kind has.
-- name: open_kinds
WITH RECURSIVE one(queue) AS (
  SELECT min(queue) FROM {tasks} WHERE status NOT IN ('SUCCESSFUL', 'FAILED')
  UNION ALL
  SELECT (SELECT min(queue) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND queue > one.queue)
  FROM one WHERE one.queue IS NOT NULL
), kind(queue, type) AS (
  SELECT queue, (SELECT min(type) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND queue = one.queue)
  FROM one WHERE one.queue IS NOT NULL
  UNION ALL
  SELECT queue, (SELECT min(type) FROM {tasks}
    WHERE status NOT IN ('SUCCESSFUL', 'FAILED') AND queue = kind.queue
      AND type > kind.type)
  FROM kind WHERE kind.type IS NOT NULL
)
SELECT queue, type FROM kind WHERE type IS NOT NULL
