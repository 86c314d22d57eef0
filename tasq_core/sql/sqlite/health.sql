-- What `tasq doctor` looks at on SQLite. Nothing here fails where the table is missing.

-- name: version
SELECT 'SQLite ' || sqlite_version()

-- name: columns
SELECT name, type, "notnull" FROM pragma_table_info('{name}')

-- differs: a unique index on id alone serves as well.
-- name: primary_key
SELECT 'id' FROM pragma_table_info('{name}') WHERE pk > 0 AND name = 'id'
UNION
SELECT 'id' FROM pragma_index_list('{name}') AS list
WHERE list."unique" AND list.partial = 0
  AND (SELECT group_concat(name) FROM pragma_index_info(list.name)) = 'id'

-- differs: whether the file may be written is the driver's to know.
-- name: server
SELECT 1, (SELECT encoding FROM pragma_encoding)

-- differs: the labels stand in the table's CHECK.
-- name: labels
SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '{name}'

-- name: indexes
SELECT name, 1, coalesce(sql, '') FROM sqlite_master
WHERE type = 'index' AND tbl_name = '{name}'

-- differs: no trigger wakes anyone here.
-- name: triggers
SELECT '', 1, '' WHERE 1 = 0

-- differs: who may write the file may do all.
-- name: privileges
SELECT 'SELECT', 1 FROM sqlite_master WHERE type = 'table' AND name = '{name}'

-- differs: a file has one size; its free pages are what VACUUM would give back.
-- name: size
SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size), 0, 0,
  (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size)

-- name: zone
SELECT 'none: times are UTC'
