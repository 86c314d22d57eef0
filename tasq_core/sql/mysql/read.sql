-- Reading on MySQL and MariaDB.

-- name: now
SELECT UTC_TIMESTAMP(6)

-- Where a connection leads: nodes of one cluster have one name for their data.
-- name: identity
SELECT {schema}, @@hostname, @@port, @@server_id
/*M!100600 , (SELECT variable_value FROM information_schema.global_status
  WHERE variable_name = 'wsrep_cluster_state_uuid') */

-- name: get
SELECT {columns} FROM {tasks} WHERE id IN %(ids)s

-- name: sizes
SELECT id, LENGTH(args) + COALESCE(LENGTH(last_error), 0) FROM {tasks} WHERE id IN %(ids)s

-- name: scan
SELECT {columns} FROM {tasks} WHERE {where} ORDER BY {order} LIMIT %(limit)s

-- name: count
SELECT COUNT(*) FROM {tasks} WHERE {where}

-- name: count_up_to
SELECT COUNT(*) FROM (SELECT 1 FROM {tasks} WHERE {where} LIMIT %(limit)s) AS capped

-- differs: no LATERAL in MariaDB, and a row constructor would scan: one branch per status,
-- the cursor spelled out. {hint} forces the index of statuses, which the optimizer else walks
-- from its end to the cursor where a condition follows.
-- name: page_newest
SELECT {preview_columns} FROM (
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'NEW' AND 'NEW' IN %(statuses)s AND created_at <= %(after_time)s
      AND (created_at < %(after_time)s OR id < %(after_id)s) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s)
  UNION ALL
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'ENQUEUED' AND 'ENQUEUED' IN %(statuses)s AND created_at <= %(after_time)s
      AND (created_at < %(after_time)s OR id < %(after_id)s) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s)
  UNION ALL
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'IN_PROGRESS' AND 'IN_PROGRESS' IN %(statuses)s AND created_at <= %(after_time)s
      AND (created_at < %(after_time)s OR id < %(after_id)s) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s)
  UNION ALL
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'SUCCESSFUL' AND 'SUCCESSFUL' IN %(statuses)s AND created_at <= %(after_time)s
      AND (created_at < %(after_time)s OR id < %(after_id)s) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s)
  UNION ALL
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'FAILED' AND 'FAILED' IN %(statuses)s AND created_at <= %(after_time)s
      AND (created_at < %(after_time)s OR id < %(after_id)s) AND {where}
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s)
) AS walk ORDER BY created_at DESC, id DESC LIMIT %(limit)s

-- name: page_oldest
SELECT {preview_columns} FROM (
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'NEW' AND 'NEW' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'ENQUEUED' AND 'ENQUEUED' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'IN_PROGRESS' AND 'IN_PROGRESS' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'SUCCESSFUL' AND 'SUCCESSFUL' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT * FROM {tasks} {hint}
    WHERE status = 'FAILED' AND 'FAILED' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
) AS walk ORDER BY created_at, id LIMIT %(limit)s

-- The index of ends has them in order, ties by id.
-- name: page_last_finished
SELECT {preview_columns} FROM {tasks} {hint}
WHERE finished_at IS NOT NULL AND finished_at <= %(after_time)s
  AND (finished_at < %(after_time)s OR id < %(after_id)s)
  AND status IN %(statuses)s AND {where}
ORDER BY finished_at DESC, id DESC LIMIT %(limit)s

-- name: page_first_finished
SELECT {preview_columns} FROM {tasks} {hint}
WHERE finished_at IS NOT NULL AND finished_at >= %(after_time)s
  AND (finished_at > %(after_time)s OR id > %(after_id)s)
  AND status IN %(statuses)s AND {where}
ORDER BY finished_at, id LIMIT %(limit)s

-- name: ids
SELECT created_at, id FROM (
  (SELECT created_at, id FROM {tasks} {hint}
    WHERE status = 'NEW' AND 'NEW' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND created_at <= %(until)s AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT created_at, id FROM {tasks} {hint}
    WHERE status = 'ENQUEUED' AND 'ENQUEUED' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND created_at <= %(until)s AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT created_at, id FROM {tasks} {hint}
    WHERE status = 'IN_PROGRESS' AND 'IN_PROGRESS' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND created_at <= %(until)s AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT created_at, id FROM {tasks} {hint}
    WHERE status = 'SUCCESSFUL' AND 'SUCCESSFUL' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND created_at <= %(until)s AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT created_at, id FROM {tasks} {hint}
    WHERE status = 'FAILED' AND 'FAILED' IN %(statuses)s AND created_at >= %(after_time)s
      AND (created_at > %(after_time)s OR id > %(after_id)s) AND created_at <= %(until)s AND {where}
    ORDER BY created_at, id LIMIT %(limit)s)
) AS walk ORDER BY created_at, id LIMIT %(limit)s

-- name: open_counts
SELECT status, COUNT(*),
  SUM(visible_at <= clock AND (max_receives = 0 OR receive_count < max_receives)),
  SUM(status = 'NEW' AND visible_at > clock),
  SUM(status <> 'NEW' AND visible_at > clock),
  SUM(status <> 'NEW' AND visible_at <= clock),
  SUM(visible_at <= clock AND max_receives > 0 AND receive_count >= max_receives),
  MIN(CASE WHEN visible_at <= clock AND (max_receives = 0 OR receive_count < max_receives)
    THEN created_at END)
FROM {tasks} CROSS JOIN (SELECT {now} AS clock) AS this
WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') GROUP BY status

-- name: finished_counts
SELECT status, COUNT(*) FROM {tasks} WHERE status IN ('SUCCESSFUL', 'FAILED') GROUP BY status

-- name: breakdown_queue
SELECT BINARY queue AS name, status, COUNT(*) FROM {tasks} GROUP BY name, status

-- name: breakdown_type
SELECT BINARY type AS name, status, COUNT(*) FROM {tasks} GROUP BY name, status

-- name: activity
SELECT finished_at - INTERVAL SECOND(finished_at) SECOND
    - INTERVAL MICROSECOND(finished_at) MICROSECOND AS minute, status, COUNT(*)
FROM {tasks} WHERE finished_at >= %(since)s AND status IN ('SUCCESSFUL', 'FAILED')
GROUP BY minute, status ORDER BY minute, status
