-- Claiming on MySQL and MariaDB: lock and read, then write, in one transaction under READ
-- COMMITTED. "Now" is the server's clock, shown as wall time of the table's zone.

-- name: columns
id, type, args, queue, priority, status, receive_count, max_receives, last_error,
created_at, started_at, finished_at, visible_at

-- name: preview_columns
id, type, LEFT(args, %(preview)s) AS args, queue, priority, status, receive_count,
max_receives, LEFT(last_error, %(preview)s) AS last_error, created_at, started_at, finished_at,
visible_at

-- differs: MariaDB has no LATERAL; one branch per (status, queue, type) walks the index.
-- name: claim_created
{branches}
ORDER BY created_at, priority DESC, id LIMIT %(limit)s

-- name: claim_priority
{branches}
ORDER BY priority DESC, created_at, id LIMIT %(limit)s

-- The collation takes "A" for "a" and "a " for "a": the index narrows, BINARY decides.
-- {hint} forces the claim index: on few rows the optimizer would rather sort them all, which
-- locks every one of them against the other consumers.
-- name: claim_branch
(SELECT {columns}, (UTC_TIMESTAMP(6) + INTERVAL %(zone_offset)s SECOND) AS clock
FROM {tasks} {hint} WHERE status = {where}
  AND visible_at <= (UTC_TIMESTAMP(6) + INTERVAL %(zone_offset)s SECOND)
  AND (max_receives = 0 OR receive_count < max_receives)
ORDER BY {order} LIMIT %(limit)s FOR UPDATE SKIP LOCKED)

-- name: lease
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1,
  visible_at = %(until)s
WHERE id IN %(ids)s

-- name: fail_exhausted
UPDATE {tasks} SET status = 'FAILED', finished_at = (UTC_TIMESTAMP(6) + INTERVAL %(zone_offset)s SECOND),
  last_error = LEFT(CONCAT_WS('\n', %(reason)s, last_error), 16000)
WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
  AND queue IN %(queues)s AND BINARY queue IN %(queues)s
  AND type IN %(types)s AND BINARY type IN %(types)s
  AND max_receives > 0 AND receive_count >= max_receives AND visible_at <= (UTC_TIMESTAMP(6) + INTERVAL %(zone_offset)s SECOND)

-- name: open_kinds
SELECT DISTINCT BINARY queue, BINARY type FROM {tasks}
WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
