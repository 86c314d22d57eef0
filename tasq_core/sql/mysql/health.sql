-- What `tasq doctor` looks at on MySQL and MariaDB. Nothing here fails where the table is missing.

-- name: version
SELECT version()

-- name: columns
SELECT column_name, column_type, is_nullable = 'NO' FROM information_schema.columns
WHERE table_schema = {schema} AND table_name = '{name}' ORDER BY ordinal_position

-- name: primary_key
SELECT column_name FROM information_schema.statistics
WHERE table_schema = {schema} AND table_name = '{name}' AND index_name = 'PRIMARY'
ORDER BY seq_in_index

-- Whether the server takes writes, and the table's character set; none where it is missing.
-- name: server
SELECT NOT @@global.read_only, coalesce((
  SELECT c.character_set_name FROM information_schema.columns AS c
  WHERE c.table_schema = {schema} AND c.table_name = '{name}' AND c.column_name = 'type'), '')

-- Seconds since the last write, by the server's own clock; NULL after its restart.
-- name: written
SELECT timestampdiff(SECOND, update_time, now()) FROM information_schema.tables
WHERE table_schema = {schema} AND table_name = '{name}'

-- name: spellings
SELECT table_name FROM information_schema.tables
WHERE table_schema = {schema} AND lower(table_name) = lower('{name}')

-- differs: the labels stand in the column's type.
-- name: labels
SELECT column_type FROM information_schema.columns
WHERE table_schema = {schema} AND table_name = '{name}' AND column_name = 'status'

-- name: indexes
SELECT index_name, 1, group_concat(
  column_name, coalesce(concat('(', sub_part, ')'), ''), IF(collation = 'D', ' desc', '')
  ORDER BY seq_in_index)
FROM information_schema.statistics
WHERE table_schema = {schema} AND table_name = '{name}' GROUP BY index_name

-- differs: no trigger wakes anyone here.
-- name: triggers
SELECT '', 1, '' FROM information_schema.tables WHERE 1 = 0

-- differs: grants come at four levels, so the server is asked whether it would do it.
-- name: privileges
SELECT 'SELECT', 1 FROM information_schema.tables
WHERE table_schema = {schema} AND table_name = '{name}'

-- name: size
SELECT coalesce(data_length, 0), coalesce(index_length, 0), coalesce(table_rows, 0), 0
FROM information_schema.tables WHERE table_schema = {schema} AND table_name = '{name}'

-- name: zone
SELECT concat(@@session.time_zone, ' (system: ', @@system_time_zone, ')')
