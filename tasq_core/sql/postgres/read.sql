-- Reading on PostgreSQL.

-- name: now
SELECT clock_timestamp() AT TIME ZONE 'UTC'

-- Where a connection leads: the same for each name, host and standby of one database.
-- name: identity
SELECT current_database()::text, (SELECT system_identifier FROM pg_control_system())::text,
  to_regclass('{tasks}')::oid::bigint

-- name: get
SELECT {columns} FROM {tasks} WHERE id = ANY(%(ids)s::uuid[])

-- name: sizes
SELECT id, octet_length(args) + coalesce(octet_length(last_error), 0) FROM {tasks}
WHERE id = ANY(%(ids)s::uuid[])

-- name: scan
SELECT {columns} FROM {tasks} WHERE {where} ORDER BY {order} LIMIT %(limit)s

-- name: count
SELECT count(*) FROM {tasks} WHERE {where}

-- name: count_up_to
SELECT count(*) FROM (SELECT 1 FROM {tasks} WHERE {where} LIMIT %(limit)s) AS capped

-- A page is a merge of one index walk per status: the same few rows at any depth.
-- name: page_newest
SELECT {preview_columns} FROM unnest(%(statuses)s::{enum}[]) AS s(wanted)
CROSS JOIN LATERAL (
  SELECT * FROM {tasks}
  WHERE status = s.wanted AND (created_at, id) < (%(after_time)s, %(after_id)s) AND {where}
  ORDER BY created_at DESC, id DESC LIMIT %(limit)s
) AS walk
ORDER BY walk.created_at DESC, walk.id DESC LIMIT %(limit)s

-- name: page_oldest
SELECT {preview_columns} FROM unnest(%(statuses)s::{enum}[]) AS s(wanted)
CROSS JOIN LATERAL (
  SELECT * FROM {tasks}
  WHERE status = s.wanted AND (created_at, id) > (%(after_time)s, %(after_id)s) AND {where}
  ORDER BY created_at, id LIMIT %(limit)s
) AS walk
ORDER BY walk.created_at, walk.id LIMIT %(limit)s

-- The index of ends has them in order; the few that ended at one moment are sorted.
-- name: page_last_finished
SELECT {preview_columns} FROM {tasks}
WHERE (finished_at, id) < (%(after_time)s, %(after_id)s) AND finished_at IS NOT NULL
  AND status = ANY(%(statuses)s::{enum}[]) AND {where}
ORDER BY finished_at DESC, id DESC LIMIT %(limit)s

-- name: page_first_finished
SELECT {preview_columns} FROM {tasks}
WHERE (finished_at, id) > (%(after_time)s, %(after_id)s) AND finished_at IS NOT NULL
  AND status = ANY(%(statuses)s::{enum}[]) AND {where}
ORDER BY finished_at, id LIMIT %(limit)s

-- name: ids
SELECT
  least(greatest(walk.created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')
  AT TIME ZONE 'UTC', walk.id
FROM unnest(%(statuses)s::{enum}[]) AS s(wanted)
CROSS JOIN LATERAL (
  SELECT created_at, id FROM {tasks}
  WHERE status = s.wanted AND (created_at, id) > (%(after_time)s, %(after_id)s)
    AND created_at <= %(until)s AND {where}
  ORDER BY created_at, id LIMIT %(limit)s
) AS walk
ORDER BY walk.created_at, walk.id LIMIT %(limit)s

-- name: open_counts
SELECT status, count(*),
  count(*) FILTER (WHERE visible_at <= statement_timestamp()
    AND (max_receives = 0 OR receive_count < max_receives)),
  count(*) FILTER (WHERE status = 'NEW' AND visible_at > statement_timestamp()),
  count(*) FILTER (WHERE status <> 'NEW' AND visible_at > statement_timestamp()),
  count(*) FILTER (WHERE status <> 'NEW' AND visible_at <= statement_timestamp()),
  count(*) FILTER (WHERE visible_at <= statement_timestamp()
    AND max_receives > 0 AND receive_count >= max_receives),
  min(least(greatest(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00'))
    FILTER (WHERE visible_at <= statement_timestamp()
      AND (max_receives = 0 OR receive_count < max_receives)) AT TIME ZONE 'UTC'
FROM {tasks} WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') GROUP BY status

-- name: finished_counts
SELECT status, count(*) FROM {tasks} WHERE status IN ('SUCCESSFUL', 'FAILED') GROUP BY status

-- name: breakdown_queue
SELECT queue, status, count(*) FROM {tasks} GROUP BY queue, status ORDER BY queue, status

-- name: breakdown_type
SELECT type, status, count(*) FROM {tasks} GROUP BY type, status ORDER BY type, status

-- name: activity
SELECT date_trunc('minute', finished_at AT TIME ZONE 'UTC') AS minute, status, count(*)
FROM {tasks}
WHERE finished_at >= %(since)s AND finished_at < '9999-12-31 00:00:00+00'
  AND status IN ('SUCCESSFUL', 'FAILED')
GROUP BY minute, status ORDER BY minute, status
