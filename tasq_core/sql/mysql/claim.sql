-- Claiming on MySQL and MariaDB: lock and read, then write, in one transaction under READ
-- COMMITTED. "Now" is the server's clock, in UTC or as wall time of the table's zone ({now}).

-- name: columns
id, type, args, queue, priority, status, receive_count, max_receives, last_error,
created_at, started_at, finished_at, visible_at

-- name: preview_columns
id, type, LEFT(args, %(preview)s) AS args, queue, priority, status, receive_count,
max_receives, LEFT(last_error, %(preview)s) AS last_error, created_at, started_at, finished_at,
visible_at

-- A task that was never delayed nor leased is visible since year 1. In the index of creation
-- those stand in the order of claims behind (status, visible_at); delayed, retried and leased
-- ones stand in the index of priorities as each (status, queue, type) becomes visible, so that
-- a claim never passes those that aren't.
-- name: claim
{branches}

-- name: claim_many

-- differs: MariaDB has no LATERAL. Where a claim may take of many pairs, this finds which of
-- them have something, and the place of each one's first task. A UNION of walks would take ten
-- times as long. The collation is named, or the index isn't used.
-- name: claim_heads
SELECT * FROM (
  SELECT pair.place,
    CASE WHEN EXISTS (SELECT 1 FROM {tasks} {ready_hint}
      WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000') THEN
    (SELECT {rank} FROM {tasks} {hint}
      WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000'
        AND queue = pair.queue AND type = pair.type
        AND CAST(queue AS BINARY) = CAST(pair.queue AS BINARY)
        AND CAST(type AS BINARY) = CAST(pair.type AS BINARY)
        AND (max_receives = 0 OR receive_count < max_receives)
      ORDER BY {order} LIMIT 1) END AS best,
    CASE WHEN EXISTS (SELECT 1 FROM {tasks} {ready_hint}
      WHERE status = 'NEW' AND visible_at > '0001-01-01 00:00:00.000000' AND visible_at <= {now}) THEN
    (SELECT 1 FROM {tasks} {due_hint}
      WHERE status = 'NEW' AND visible_at > '0001-01-01 00:00:00.000000' AND visible_at <= {now}
        AND queue = pair.queue AND type = pair.type
        AND CAST(queue AS BINARY) = CAST(pair.queue AS BINARY)
        AND CAST(type AS BINARY) = CAST(pair.type AS BINARY)
      LIMIT 1) END AS waited,
    CASE WHEN EXISTS (SELECT 1 FROM {tasks} {ready_hint}
      WHERE status = 'ENQUEUED' AND visible_at <= {now}) THEN
    (SELECT 1 FROM {tasks} {due_hint}
      WHERE status = 'ENQUEUED' AND visible_at <= {now}
        AND queue = pair.queue AND type = pair.type
        AND CAST(queue AS BINARY) = CAST(pair.queue AS BINARY)
        AND CAST(type AS BINARY) = CAST(pair.type AS BINARY)
      LIMIT 1) END AS dropped,
    CASE WHEN EXISTS (SELECT 1 FROM {tasks} {ready_hint}
      WHERE status = 'IN_PROGRESS' AND visible_at <= {now}) THEN
    (SELECT 1 FROM {tasks} {due_hint}
      WHERE status = 'IN_PROGRESS' AND visible_at <= {now}
        AND queue = pair.queue AND type = pair.type
        AND CAST(queue AS BINARY) = CAST(pair.queue AS BINARY)
        AND CAST(type AS BINARY) = CAST(pair.type AS BINARY)
      LIMIT 1) END AS broken
  FROM JSON_TABLE(%(pairs)s, '$[*]' COLUMNS (place FOR ORDINALITY,
    queue TEXT {queue_text} PATH '$[0]', type TEXT {type_text} PATH '$[1]')) AS pair
) AS heads
WHERE COALESCE(best, waited, dropped, broken) IS NOT NULL

-- The collation takes "A" for "a" and "a " for "a": the index narrows, BINARY decides.
-- {hint} forces the claim index: on few rows the optimizer would rather sort them all, which
-- locks every one of them against the other consumers. Nothing here waits for a lock, and the
-- rows come by their ids afterwards: a UNION of blobs is a table on disk.
-- name: claim_ready
(SELECT id, created_at, priority, 0 AS spent, UTC_TIMESTAMP(6) AS clock, status
FROM {tasks} {hint} WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000' AND {where}
  AND (max_receives = 0 OR receive_count < max_receives)
ORDER BY {order} LIMIT %(limit)s FOR UPDATE SKIP LOCKED)

-- The same for one pair: without a UNION the rows come whole, and once.
-- name: claim_one
SELECT {columns}, UTC_TIMESTAMP(6) AS clock
FROM {tasks} {hint}
WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000' AND {where}
  AND (max_receives = 0 OR receive_count < max_receives)
ORDER BY {order} LIMIT %(limit)s FOR UPDATE SKIP LOCKED

-- Read without a lock, then locked by primary key: a walk that skips a locked row keeps the lock
-- of its index entry, which the row's holder, say Go's start of a task whose lease just lapsed,
-- then waits for.
-- name: claim_due
(SELECT id, created_at, priority, max_receives > 0 AND receive_count >= max_receives AS spent,
  UTC_TIMESTAMP(6) AS clock, status
FROM {tasks} {hint} WHERE {where} AND visible_at <= {now}
ORDER BY visible_at LIMIT %(due)s)

-- name: lock_due
SELECT id, created_at, priority, max_receives > 0 AND receive_count >= max_receives AS spent,
  UTC_TIMESTAMP(6) AS clock, status
FROM {tasks} FORCE INDEX (PRIMARY)
WHERE id IN %(ids)s AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at <= {now}
FOR UPDATE SKIP LOCKED

-- For a table without our indexes: one scan, whatever it locks.
-- name: claim_unindexed
(SELECT id, created_at, priority, max_receives > 0 AND receive_count >= max_receives AS spent,
  UTC_TIMESTAMP(6) AS clock, status
FROM {tasks} WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND {where}
  AND visible_at <= {now}
ORDER BY {order}, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)

-- name: lease
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1,
  visible_at = %(until)s
WHERE id IN %(ids)s

-- Tasks that the walk of due ones doesn't meet: exhausted, but never delayed nor leased, as
-- only a change by hand leaves them.
-- name: exhausted
SELECT id FROM {tasks} {hint} WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000' AND {where}
  AND max_receives > 0 AND receive_count >= max_receives LIMIT 1000

-- name: lock_exhausted
SELECT id FROM {tasks}
WHERE id IN %(ids)s AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
  AND max_receives > 0 AND receive_count >= max_receives AND visible_at <= {now}
FOR UPDATE SKIP LOCKED

-- Only rows that this transaction has locked: nothing is waited for beside a lock held.
-- name: fail_exhausted
UPDATE {tasks} SET status = 'FAILED', finished_at = {wall},
  last_error = LEFT(CONCAT_WS('\n', %(reason)s, last_error), 16000)
WHERE id IN %(ids)s

-- name: claimable_pairs
SELECT DISTINCT BINARY queue, BINARY type FROM {tasks}
WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
