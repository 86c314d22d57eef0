-- Steering on PostgreSQL: rows are locked in the order of their ids, compared with what was
-- seen of them, and rewritten, all in one transaction.

-- `held` also takes those that a consumer holds.
-- name: lock_rows
SELECT {columns} FROM {tasks} WHERE id = ANY(%(ids)s::uuid[])
  AND (%(held)s OR status NOT IN ('ENQUEUED', 'IN_PROGRESS')
    OR visible_at <= statement_timestamp())
ORDER BY id FOR UPDATE

-- Where an element of `args` is NULL they stay as they are.
-- name: rewrite
UPDATE {tasks} SET type = o.type, queue = o.queue, priority = o.priority, status = o.status,
  receive_count = o.receive_count, max_receives = o.max_receives, last_error = o.last_error,
  finished_at = o.finished_at, visible_at = o.visible_at, args = coalesce(o.args, {tasks}.args)
FROM unnest(%(ids)s::uuid[], %(types)s::text[], %(queues)s::text[], %(priorities)s::smallint[],
  %(statuses)s::{enum}[], %(receive_counts)s::int[], %(limits)s::int[], %(errors)s::text[],
  %(finished)s::timestamptz[], %(visible)s::timestamptz[], %(args)s::bytea[])
  AS o(id, type, queue, priority, status, receive_count, max_receives, last_error, finished_at,
    visible_at, args)
WHERE {tasks}.id = o.id

-- name: states
SELECT id, status, receive_count, extract(microseconds FROM visible_at)::int %% 1000 FROM {tasks}
WHERE id = ANY(%(ids)s::uuid[])

-- Walks the index of ends: what is new is found whatever the history holds.
-- name: ended_since
SELECT {columns} FROM {tasks}
WHERE finished_at >= %(since)s AND status IN ('SUCCESSFUL', 'FAILED') AND {where}
ORDER BY finished_at, id LIMIT %(limit)s
