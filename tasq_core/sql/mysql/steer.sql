-- Steering on MySQL and MariaDB: rows are locked in the order of their ids, compared with what
-- was seen of them, and rewritten, all in one transaction.

-- `held` also takes those that a consumer holds.
-- name: lock_rows
SELECT {columns} FROM {tasks} FORCE INDEX (PRIMARY) WHERE id IN %(ids)s
  AND (%(held)s OR (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= {now}))
ORDER BY id FOR UPDATE

-- Where `args`, in base 64, is NULL they stay as they are.
-- name: rewrite
UPDATE JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
    id CHAR(32) CHARACTER SET ascii PATH '$[0]', type MEDIUMTEXT CHARACTER SET utf8mb4 PATH '$[1]',
    queue MEDIUMTEXT CHARACTER SET utf8mb4 PATH '$[2]', priority INT PATH '$[3]',
    status VARCHAR(11) PATH '$[4]', receive_count INT PATH '$[5]', max_receives INT PATH '$[6]',
    last_error MEDIUMTEXT CHARACTER SET utf8mb4 PATH '$[7]', finished_at CHAR(26) PATH '$[8]',
    visible_at CHAR(26) PATH '$[9]', args LONGTEXT CHARACTER SET ascii PATH '$[10]')) AS o
  STRAIGHT_JOIN {tasks}
  ON {tasks}.id = UNHEX(o.id)
SET {tasks}.type = o.type, {tasks}.queue = o.queue, {tasks}.priority = o.priority,
    {tasks}.status = o.status, {tasks}.receive_count = o.receive_count,
    {tasks}.max_receives = o.max_receives, {tasks}.last_error = o.last_error,
    {tasks}.finished_at = o.finished_at, {tasks}.visible_at = o.visible_at,
    {tasks}.args = COALESCE(FROM_BASE64(o.args), {tasks}.args)

-- name: states
SELECT id, status, receive_count, MOD(MICROSECOND(visible_at), 1000) FROM {tasks} WHERE id IN %(ids)s

-- Walks the index of ends: what is new is found whatever the history holds.
-- name: ended_since
SELECT {columns} FROM {tasks}
WHERE finished_at >= %(since)s AND status IN ('SUCCESSFUL', 'FAILED') AND {where}
ORDER BY finished_at, id LIMIT %(limit)s
