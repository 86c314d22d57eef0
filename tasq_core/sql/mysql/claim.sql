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

-- differs: MariaDB has no LATERAL. A claim that may take of many pairs first asks how many tasks
-- of each class there are, counted up to a bound.
-- name: claim_extent
SELECT
  (SELECT COUNT(*) FROM (SELECT 1 FROM {tasks} {ready_hint}
    WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000'
    LIMIT %(few)s) AS some) AS ready,
  (SELECT COUNT(*) FROM (SELECT 1 FROM {tasks} {ready_hint}
    WHERE status = 'NEW' AND visible_at <> '0001-01-01 00:00:00.000000' AND visible_at <= {now}
    LIMIT %(near)s) AS some) AS waited,
  (SELECT COUNT(*) FROM (SELECT 1 FROM {tasks} {ready_hint}
    WHERE status = 'ENQUEUED' AND visible_at <= {now} LIMIT %(near)s) AS some) AS dropped,
  (SELECT COUNT(*) FROM (SELECT 1 FROM {tasks} {ready_hint}
    WHERE status = 'IN_PROGRESS' AND visible_at <= {now} LIMIT %(near)s) AS some) AS broken

-- Those of a small class, or the oldest new tasks, are looked through without a walk per pair;
-- of the oldest some aren't visible, and one that was just deleted still counts. Which are wanted
-- is told by the claim, for a list of names costs more than the rows.
-- name: claim_near
SELECT CONCAT(id, {rank}), IF(visible_at <= {now}, queue, NULL), type
FROM {branches} AS near LEFT JOIN {tasks} FORCE INDEX (PRIMARY) USING (id)

-- name: near_ready
(SELECT id FROM {tasks} {ready_hint}
WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000' LIMIT %(near)s)

-- name: near_due
(SELECT id FROM {tasks} {ready_hint} WHERE {where} AND visible_at <= {now} LIMIT %(near)s)

-- name: near_oldest
(SELECT id FROM {tasks} {age_hint} WHERE status = 'NEW' ORDER BY created_at LIMIT %(reach)s)

-- The pairs whose first ready tasks come first, by the ordinals of their queue and of its type. A
-- UNION of walks would take ten times as long. The collation is named, or the index isn't used.
-- COALESCE and ORDER BY, no WHERE: a condition on `best` would look for each first task twice.
-- name: claim_heads
SELECT pair.queue_ordinal, pair.ordinal, COALESCE(
  (SELECT {rank} FROM {tasks} {hint}
    WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000'
      AND queue = pair.queue AND type = pair.type
      AND CAST(queue AS BINARY) = CAST(pair.queue AS BINARY)
      AND CAST(type AS BINARY) = CAST(pair.type AS BINARY)
    {head_order} LIMIT 1), 'none') AS best
FROM JSON_TABLE(%(pairs)s, '$[*]' COLUMNS (queue_ordinal FOR ORDINALITY,
  queue TEXT {queue_text} PATH '$[0]',
  NESTED PATH '$[1][*]' COLUMNS (ordinal FOR ORDINALITY, type TEXT {type_text} PATH '$'))) AS pair
ORDER BY best LIMIT %(limit)s

-- Which pairs have due tasks, of the classes that have any.
-- name: claim_due_heads
SELECT pair.queue_ordinal, pair.ordinal,
  CASE WHEN %(NEW)s THEN (SELECT 1 FROM {tasks} {due_hint}
    WHERE status = 'NEW' AND visible_at <> '0001-01-01 00:00:00.000000' AND visible_at <= {now}
      AND queue = pair.queue AND type = pair.type
      AND CAST(queue AS BINARY) = CAST(pair.queue AS BINARY)
      AND CAST(type AS BINARY) = CAST(pair.type AS BINARY)
    LIMIT 1) END AS waits,
  CASE WHEN %(ENQUEUED)s THEN (SELECT 1 FROM {tasks} {due_hint}
    WHERE status = 'ENQUEUED' AND visible_at <= {now}
      AND queue = pair.queue AND type = pair.type
      AND CAST(queue AS BINARY) = CAST(pair.queue AS BINARY)
      AND CAST(type AS BINARY) = CAST(pair.type AS BINARY)
    LIMIT 1) END AS drops,
  CASE WHEN %(IN_PROGRESS)s THEN (SELECT 1 FROM {tasks} {due_hint}
    WHERE status = 'IN_PROGRESS' AND visible_at <= {now}
      AND queue = pair.queue AND type = pair.type
      AND CAST(queue AS BINARY) = CAST(pair.queue AS BINARY)
      AND CAST(type AS BINARY) = CAST(pair.type AS BINARY)
    LIMIT 1) END AS breaks
FROM JSON_TABLE(%(pairs)s, '$[*]' COLUMNS (queue_ordinal FOR ORDINALITY,
  queue TEXT {queue_text} PATH '$[0]',
  NESTED PATH '$[1][*]' COLUMNS (ordinal FOR ORDINALITY, type TEXT {type_text} PATH '$'))) AS pair
HAVING COALESCE(waits, drops, breaks) IS NOT NULL

-- The collation takes "A" for "a" and "a " for "a": the index narrows, BINARY decides.
-- {hint} forces the claim index: on few rows the optimizer would rather sort them all.
-- Candidates are read without a lock, then locked by primary key: a walk that locks stops at each
-- entry that others claimed, until it is purged, to ask who may hold it; and it keeps the locks of
-- entries it skips, which the row's holder, say Go's start of a task, then waits for.
-- Nothing but what the index has is read, so that the rows themselves are left alone.
-- name: claim_ready
(SELECT CONCAT(id, {rank})
FROM {tasks} {hint} WHERE status = 'NEW' AND visible_at = '0001-01-01 00:00:00.000000' AND {where}
ORDER BY {order} LIMIT {limit} {locking})

-- name: claim_ready_of_pair

-- name: claim_due
(SELECT CONCAT(id, {rank})
FROM {tasks} {hint} WHERE {where} AND visible_at <= {now}
ORDER BY visible_at LIMIT %(due)s {locking})

-- name: lock
SELECT {columns}, UTC_TIMESTAMP(6) AS clock
FROM {tasks} FORCE INDEX (PRIMARY)
WHERE id IN %(ids)s AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at <= {now}
FOR UPDATE SKIP LOCKED

-- Claims that met each other take turns: until a task is leased, the next one would find it too.
-- A lock's name holds for the whole server and has 64 characters; MySQL 9.6 has no SHA1.
-- name: turn
SELECT GET_LOCK(CONCAT('tasq claim ', LEFT(SHA2(CONCAT_WS('.', DATABASE(), %(turn)s), 224), 40)), %(turn_timeout)s)

-- name: end_turn
SELECT RELEASE_LOCK(CONCAT('tasq claim ', LEFT(SHA2(CONCAT_WS('.', DATABASE(), %(turn)s), 224), 40)))

-- For a table without our indexes: one scan.
-- name: claim_unindexed
(SELECT CONCAT(id, {rank}) FROM {tasks} WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND {where}
  AND visible_at <= {now}
ORDER BY {order}, id LIMIT %(limit)s {locking})

-- name: lease
UPDATE {tasks} SET status = 'ENQUEUED', receive_count = receive_count + 1,
  visible_at = %(until)s
WHERE id IN %(ids)s

-- Only rows that this transaction has locked: nothing is waited for beside a lock held.
-- name: fail_exhausted
UPDATE {tasks} SET status = 'FAILED', finished_at = {wall},
  last_error = LEFT(CONCAT_WS('\n', %(reason)s, last_error), 16000)
WHERE id IN %(ids)s

-- name: claimable_pairs
SELECT DISTINCT BINARY queue, BINARY type, 0.0E0 FROM {tasks}
WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')

-- name: claimable_pairs_of

-- name: newest_pairs
SELECT BINARY queue, BINARY type,
  TIMESTAMPDIFF(MICROSECOND, {now}, GREATEST({now}, MIN(visible_at))) / 1E6
FROM (
  SELECT queue, type, visible_at FROM {tasks} {age_hint} WHERE status = 'NEW'
  ORDER BY created_at DESC LIMIT %(newest)s) AS newest
WHERE visible_at <= {now} + INTERVAL %(horizon)s SECOND
GROUP BY BINARY queue, BINARY type
