-- What `tasq doctor` looks at on PostgreSQL. Nothing here fails where the table is missing.

-- name: version
SELECT 'PostgreSQL ' || current_setting('server_version')

-- name: columns
SELECT attname::text, format_type(atttypid, atttypmod), attnotnull
FROM pg_attribute
WHERE attrelid = to_regclass('{tasks}') AND attnum > 0 AND NOT attisdropped
ORDER BY attnum

-- name: primary_key
SELECT a.attname::text FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = to_regclass('{tasks}') AND i.indisprimary

-- Whether the server takes writes, the encoding, and what text is compared by.
-- name: server
SELECT NOT pg_is_in_recovery(), current_setting('server_encoding')

-- Tables of the same name in any case, where ours would be.
-- name: spellings
SELECT relname::text FROM pg_class
WHERE relkind IN ('r', 'p')
  AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {schema})
  AND lower(relname) = lower('{name}')

-- name: labels
SELECT enumlabel::text FROM pg_enum
WHERE enumtypid = to_regtype('{enum}') ORDER BY enumsortorder

-- name: indexes
SELECT indexrelid::regclass::text, indisvalid, pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid = to_regclass('{tasks}')

-- name: triggers
SELECT tgname::text, tgenabled <> 'D', tgfoid::regproc::text FROM pg_trigger
WHERE tgrelid = to_regclass('{tasks}') AND NOT tgisinternal

-- name: privileges
SELECT wanted, has_table_privilege(to_regclass('{tasks}')::oid, wanted)
FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted
WHERE to_regclass('{tasks}') IS NOT NULL

-- name: size
SELECT pg_table_size(c.oid), pg_indexes_size(c.oid), greatest(c.reltuples, 0)::bigint,
  coalesce(s.n_dead_tup, 0)
FROM pg_class AS c LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
WHERE c.oid = to_regclass('{tasks}')

-- name: zone
SELECT current_setting('TimeZone')
