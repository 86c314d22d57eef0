-- Writing on SQLite. A lease is fenced by (id, receive_count, nonce): see reports.Lease.
-- Times are microseconds, whose last three digits `% 1000` gives; no lease lies before 1970.

-- name: submit
INSERT INTO {tasks} (id, type, args, queue, priority, status, receive_count, max_receives,
  last_error, created_at, started_at, finished_at, visible_at)
VALUES (:id, :type, :args, :queue, :priority, 'NEW', 0, :max_receives,
  NULL, :created_at, NULL, NULL, :visible_at)
ON CONFLICT (id) DO NOTHING

-- name: submit_prepared

-- differs: by position, which binds faster in executemany.
-- name: submit_many
INSERT INTO {tasks} (id, type, args, queue, priority, status, max_receives, created_at,
  visible_at)
VALUES (?, ?, ?, ?, ?, 'NEW', ?, ?, ?)
ON CONFLICT (id) DO NOTHING

-- name: restore
INSERT INTO {tasks} (id, type, args, queue, priority, status, receive_count, max_receives,
  last_error, created_at, started_at, finished_at, visible_at)
VALUES (:id, :type, :args, :queue, :priority, :status, :receive_count, :max_receives,
  :last_error, :created_at, :started_at, :finished_at, :visible_at)
ON CONFLICT (id) DO NOTHING

-- name: start
UPDATE {tasks} SET status = 'IN_PROGRESS', started_at = :now
WHERE id = :id AND receive_count = :receive_count
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND visible_at % 1000 = :nonce

-- name: error
UPDATE {tasks} SET last_error = :error
WHERE id = :id AND receive_count = :receive_count
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND visible_at % 1000 = :nonce

-- name: finish
UPDATE {tasks} SET status = :status, finished_at = :now
WHERE id = :id AND receive_count = :receive_count
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND visible_at % 1000 = :nonce

-- `:ids` is one blob of 16-byte ids: JSON can't hold them, and unhex() came with 3.41.
-- name: ping
UPDATE {tasks} SET visible_at = 
    (:now + CAST(:timeout * 1000000 AS INTEGER)) / 1000 * 1000 + visible_at % 1000
WHERE id IN (
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < length(:ids) / 16 - 1)
  SELECT substr(:ids, i * 16 + 1, 16) FROM n)
  AND status NOT IN ('SUCCESSFUL', 'FAILED')

-- differs: the statements for leases run once a lease, by position; in process a call is
-- cheaper than what a list of rows would cost.
-- name: ping_leases
UPDATE {tasks} SET visible_at = 
    (:now + CAST(:timeout * 1000000 AS INTEGER)) / 1000 * 1000 + visible_at % 1000
WHERE id = :id AND receive_count = :receive_count
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND visible_at % 1000 = :nonce

-- name: record_outcomes
UPDATE {tasks} SET status = ?1, started_at = coalesce(?2, started_at),
  finished_at = coalesce(?3, finished_at), last_error = coalesce(?4, last_error),
  visible_at = coalesce(?5, visible_at), receive_count = receive_count - ?9
WHERE id = ?6 AND receive_count = ?7
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND visible_at % 1000 = ?8

-- name: record_endings

-- name: delete_leases
DELETE FROM {tasks}
WHERE id = :id AND receive_count = :receive_count
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND visible_at % 1000 = :nonce

-- name: release_leases
UPDATE {tasks} SET status = 'NEW', receive_count = receive_count - 1,
  visible_at = -62135596800000000
WHERE id = :id AND receive_count = :receive_count
  AND status = 'ENQUEUED' AND visible_at % 1000 = :nonce

-- By the id as it stands in the row, which need not be a blob of 16 bytes.
-- name: set_aside
UPDATE {tasks} SET status = 'NEW', receive_count = receive_count - 1,
  visible_at = :now + CAST(:timeout * 1000000 AS INTEGER)
WHERE id = :id AND status = 'ENQUEUED'

-- name: held_leases

-- Used-up attempts get exactly one more.
-- name: requeue
UPDATE {tasks} SET status = 'NEW', visible_at = -62135596800000000,
  max_receives = CASE WHEN max_receives > 0 AND receive_count >= max_receives
    THEN min(receive_count, 2147483646) + 1 ELSE max_receives END
WHERE id IN (
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < length(:ids) / 16 - 1)
  SELECT substr(:ids, i * 16 + 1, 16) FROM n)
  AND (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= :now)

-- name: requeue_own
UPDATE {tasks} SET status = 'NEW', visible_at = -62135596800000000,
  max_receives = CASE WHEN max_receives > 0 AND receive_count >= max_receives
    THEN min(receive_count, 2147483646) + 1 ELSE max_receives END
WHERE id = :id
  AND (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= :now
    OR (receive_count = :receive_count AND visible_at % 1000 = :nonce))

-- name: reset
UPDATE {tasks} SET status = 'NEW', visible_at = -62135596800000000,
  receive_count = 0, finished_at = NULL, last_error = NULL
WHERE id IN (
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < length(:ids) / 16 - 1)
  SELECT substr(:ids, i * 16 + 1, 16) FROM n)
  AND (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= :now)

-- `safe` spares live leases; the condition is checked again on the row that is deleted.
-- name: delete
DELETE FROM {tasks}
WHERE id IN (
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < length(:ids) / 16 - 1)
  SELECT substr(:ids, i * 16 + 1, 16) FROM n)
  AND {where}
  AND (NOT :safe OR status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= :now)

-- A server that takes no writes refuses it; on others it touches no row.
-- name: write_nothing
UPDATE {tasks} SET priority = priority WHERE 1 = 0
