-- Steering on SQLite: rows are compared with what was seen of them and rewritten within one
-- transaction, which nobody else writes beside.

-- `:held` also takes those that a consumer holds.
-- name: lock_rows
SELECT {columns} FROM {tasks}
WHERE id IN (
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < length(:ids) / 16 - 1)
  SELECT substr(:ids, i * 16 + 1, 16) FROM n)
  AND (:held OR status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= :now)

-- differs: once a row. Where `:args` is NULL they stay as they are.
-- name: rewrite
UPDATE {tasks} SET type = :type, queue = :queue, priority = :priority, status = :status,
  receive_count = :receive_count, max_receives = :max_receives, last_error = :last_error,
  finished_at = :finished_at, visible_at = :visible_at, args = coalesce(:args, args)
WHERE id = :id

-- name: states
SELECT id, status, receive_count, visible_at % 1000 FROM {tasks}
WHERE id IN (
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < length(:ids) / 16 - 1)
  SELECT substr(:ids, i * 16 + 1, 16) FROM n)

-- Walks the index of ends: what is new is found whatever the history holds.
-- name: ended_since
SELECT {columns} FROM {tasks}
WHERE finished_at >= :since AND status IN ('SUCCESSFUL', 'FAILED') AND {where}
ORDER BY finished_at, id LIMIT :limit
