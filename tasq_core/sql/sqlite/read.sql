-- Reading on SQLite.

-- name: now
SELECT :now

-- Where a connection leads: a file, or '' in memory.
-- name: identity
SELECT file FROM pragma_database_list WHERE name = 'main'

-- name: get
SELECT {columns} FROM {tasks}
WHERE id IN (
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < length(:ids) / 16 - 1)
  SELECT substr(:ids, i * 16 + 1, 16) FROM n)

-- name: sizes
SELECT id, length(args) + coalesce(length(last_error), 0) FROM {tasks}
WHERE id IN (
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < length(:ids) / 16 - 1)
  SELECT substr(:ids, i * 16 + 1, 16) FROM n)

-- name: scan
SELECT {columns} FROM {tasks} WHERE {where} ORDER BY {order} LIMIT :limit

-- name: count
SELECT count(*) FROM {tasks} WHERE {where}

-- name: count_up_to
SELECT count(*) FROM (SELECT 1 FROM {tasks} WHERE {where} LIMIT :limit)

-- differs: no LATERAL; one branch per status walks the index of statuses.
-- name: page_newest
SELECT {preview_columns} FROM (
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'NEW' AND instr(:statuses, '"NEW"')
      AND (created_at, id) < (:after_time, :after_id) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'ENQUEUED' AND instr(:statuses, '"ENQUEUED"')
      AND (created_at, id) < (:after_time, :after_id) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'IN_PROGRESS' AND instr(:statuses, '"IN_PROGRESS"')
      AND (created_at, id) < (:after_time, :after_id) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'SUCCESSFUL' AND instr(:statuses, '"SUCCESSFUL"')
      AND (created_at, id) < (:after_time, :after_id) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'FAILED' AND instr(:statuses, '"FAILED"')
      AND (created_at, id) < (:after_time, :after_id) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT :limit)
) ORDER BY created_at DESC, id DESC LIMIT :limit

-- name: page_oldest
SELECT {preview_columns} FROM (
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'NEW' AND instr(:statuses, '"NEW"')
      AND (created_at, id) > (:after_time, :after_id) AND {where}
    ORDER BY created_at, id LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'ENQUEUED' AND instr(:statuses, '"ENQUEUED"')
      AND (created_at, id) > (:after_time, :after_id) AND {where}
    ORDER BY created_at, id LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'IN_PROGRESS' AND instr(:statuses, '"IN_PROGRESS"')
      AND (created_at, id) > (:after_time, :after_id) AND {where}
    ORDER BY created_at, id LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'SUCCESSFUL' AND instr(:statuses, '"SUCCESSFUL"')
      AND (created_at, id) > (:after_time, :after_id) AND {where}
    ORDER BY created_at, id LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT * FROM {tasks}
    WHERE status = 'FAILED' AND instr(:statuses, '"FAILED"')
      AND (created_at, id) > (:after_time, :after_id) AND {where}
    ORDER BY created_at, id LIMIT :limit)
) ORDER BY created_at, id LIMIT :limit

-- The index of ends has them in order; the + keeps the one of statuses out of it.
-- name: page_last_finished
SELECT {preview_columns} FROM {tasks}
WHERE finished_at IS NOT NULL AND finished_at <= :after_time
  AND (finished_at < :after_time OR id < :after_id)
  AND instr(:statuses, '"' || +status || '"') AND {where}
ORDER BY finished_at DESC, id DESC LIMIT :limit

-- name: page_first_finished
SELECT {preview_columns} FROM {tasks}
WHERE finished_at IS NOT NULL AND finished_at >= :after_time
  AND (finished_at > :after_time OR id > :after_id)
  AND instr(:statuses, '"' || +status || '"') AND {where}
ORDER BY finished_at, id LIMIT :limit

-- name: ids
SELECT created_at, id FROM (
  SELECT * FROM (SELECT created_at, id FROM {tasks}
    WHERE status = 'NEW' AND instr(:statuses, '"NEW"')
      AND (created_at, id) > (:after_time, :after_id) AND created_at <= :until AND {where}
    ORDER BY created_at, id LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT created_at, id FROM {tasks}
    WHERE status = 'ENQUEUED' AND instr(:statuses, '"ENQUEUED"')
      AND (created_at, id) > (:after_time, :after_id) AND created_at <= :until AND {where}
    ORDER BY created_at, id LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT created_at, id FROM {tasks}
    WHERE status = 'IN_PROGRESS' AND instr(:statuses, '"IN_PROGRESS"')
      AND (created_at, id) > (:after_time, :after_id) AND created_at <= :until AND {where}
    ORDER BY created_at, id LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT created_at, id FROM {tasks}
    WHERE status = 'SUCCESSFUL' AND instr(:statuses, '"SUCCESSFUL"')
      AND (created_at, id) > (:after_time, :after_id) AND created_at <= :until AND {where}
    ORDER BY created_at, id LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT created_at, id FROM {tasks}
    WHERE status = 'FAILED' AND instr(:statuses, '"FAILED"')
      AND (created_at, id) > (:after_time, :after_id) AND created_at <= :until AND {where}
    ORDER BY created_at, id LIMIT :limit)
) ORDER BY created_at, id LIMIT :limit

-- name: open_counts
SELECT status, count(*),
  sum(visible_at <= :now AND (max_receives = 0 OR receive_count < max_receives)),
  sum(status = 'NEW' AND visible_at > :now),
  sum(status <> 'NEW' AND visible_at > :now),
  sum(status <> 'NEW' AND visible_at <= :now),
  sum(visible_at <= :now AND max_receives > 0 AND receive_count >= max_receives),
  min(CASE WHEN visible_at <= :now AND (max_receives = 0 OR receive_count < max_receives)
    THEN created_at END)
FROM {tasks} WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') GROUP BY status

-- name: finished_counts
SELECT status, count(*) FROM {tasks} WHERE status IN ('SUCCESSFUL', 'FAILED') GROUP BY status

-- name: breakdown_queue
SELECT queue, status, count(*) FROM {tasks} GROUP BY queue, status

-- name: breakdown_type
SELECT type, status, count(*) FROM {tasks} GROUP BY type, status

-- `+status`: on a table never analysed SQLite takes an index of equal statuses, which is all of
-- the history, for better than one of a range.
-- name: activity
SELECT finished_at / 60000000 * 60000000 AS minute, status, count(*)
FROM {tasks} WHERE finished_at >= :since AND +status IN ('SUCCESSFUL', 'FAILED')
GROUP BY minute, status ORDER BY minute, status
