-- Writing on PostgreSQL. A lease is fenced by (id, receive_count, nonce): see reports.Lease.
-- What writes many rows locks them first, in the order of their ids: two statements whose
-- plans differ would deadlock over the rows they share.

-- name: submit
INSERT INTO {tasks} (id, type, args, queue, priority, status, receive_count, max_receives,
  last_error, created_at, started_at, finished_at, visible_at)
VALUES (%(id)s, %(type)s, %(args)s, %(queue)s, %(priority)s, 'NEW', 0, %(max_receives)s,
  NULL, %(created_at)s, NULL, NULL, %(visible_at)s)
ON CONFLICT (id) DO NOTHING

-- The same for libpq: its values come in binary, by position.
-- name: submit_prepared
INSERT INTO {tasks} (id, type, args, queue, priority, status, receive_count, max_receives,
  last_error, created_at, started_at, finished_at, visible_at)
VALUES ($1, $2, $3, $4, $5, 'NEW', 0, $6, NULL, $7, NULL, NULL, $8)
ON CONFLICT (id) DO NOTHING

-- The source is filled by COPY: nothing else in the driver is nearly as fast.
-- name: submit_many
COPY {tasks} (id, type, args, queue, priority, status, max_receives, created_at, visible_at)
FROM STDIN (FORMAT BINARY)

-- name: restore
INSERT INTO {tasks} (id, type, args, queue, priority, status, receive_count, max_receives,
  last_error, created_at, started_at, finished_at, visible_at)
VALUES (%(id)s, %(type)s, %(args)s, %(queue)s, %(priority)s, %(status)s::{enum},
  %(receive_count)s, %(max_receives)s, %(last_error)s, %(created_at)s, %(started_at)s,
  %(finished_at)s, %(visible_at)s)
ON CONFLICT (id) DO NOTHING

-- name: start
UPDATE {tasks} SET status = 'IN_PROGRESS', started_at = statement_timestamp()
WHERE id = %(id)s AND receive_count = %(receive_count)s
  AND status IN ('ENQUEUED', 'IN_PROGRESS')
  AND extract(microseconds FROM visible_at)::int %% 1000 = %(nonce)s

-- name: error
UPDATE {tasks} SET last_error = %(error)s
WHERE id = %(id)s AND receive_count = %(receive_count)s
  AND status IN ('ENQUEUED', 'IN_PROGRESS')
  AND extract(microseconds FROM visible_at)::int %% 1000 = %(nonce)s

-- name: finish
UPDATE {tasks} SET status = %(status)s::{enum}, finished_at = statement_timestamp()
WHERE id = %(id)s AND receive_count = %(receive_count)s
  AND status IN ('ENQUEUED', 'IN_PROGRESS')
  AND extract(microseconds FROM visible_at)::int %% 1000 = %(nonce)s

-- A ping keeps the nonce: the last three digits of the microseconds.
-- name: ping
UPDATE {tasks} SET visible_at =
  date_trunc('milliseconds', statement_timestamp() + make_interval(secs => %(timeout)s))
  + (extract(microseconds FROM visible_at)::int %% 1000) * interval '1 microsecond'
WHERE id = ANY(ARRAY(
    SELECT id FROM {tasks} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE))
  AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')

-- generate_series says that there may be many: without it a cached plan takes the arrays for
-- ten rows, and compares each lease with each task. Its numbers are the leases' ordinals: one
-- array of those that were written is read in a fraction of the time that a row for each takes.
-- name: ping_leases
WITH written AS (
  UPDATE {tasks} SET visible_at =
    date_trunc('milliseconds', statement_timestamp() + make_interval(secs => %(timeout)s))
    + held.nonce * interval '1 microsecond'
  FROM ROWS FROM (unnest(%(ids)s::uuid[], %(receive_counts)s::int[], %(nonces)s::int[]),
    generate_series(1, cardinality(%(ids)s::uuid[]))) AS held(id, receive_count, nonce, ordinal)
  WHERE {tasks}.id = ANY(ARRAY(
      SELECT id FROM {tasks} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE))
    AND {tasks}.id = held.id AND {tasks}.receive_count = held.receive_count
    AND status IN ('ENQUEUED', 'IN_PROGRESS')
    AND extract(microseconds FROM visible_at)::int %% 1000 = held.nonce
  RETURNING held.ordinal
)
SELECT ARRAY(SELECT ordinal FROM written)

-- name: record_outcomes
WITH written AS (
  UPDATE {tasks} SET
    status = o.status,
    started_at = coalesce(
      statement_timestamp() - make_interval(secs => o.started_ago), {tasks}.started_at),
    finished_at = coalesce(
      statement_timestamp() - make_interval(secs => o.finished_ago), {tasks}.finished_at),
    last_error = coalesce(o.error, {tasks}.last_error),
    receive_count = {tasks}.receive_count - coalesce(o.given_back, 0),
    visible_at = CASE WHEN o.retry_in IS NULL THEN visible_at
      WHEN o.retry_in = 0 THEN '0001-01-01 00:00:00+00'
      ELSE statement_timestamp() + make_interval(secs => o.retry_in) END
  FROM ROWS FROM (unnest(%(ids)s::uuid[], %(receive_counts)s::int[], %(nonces)s::int[],
      %(statuses)s::{enum}[], %(started_ago)s::float8[], %(finished_ago)s::float8[],
      %(errors)s::text[], %(retry_in)s::float8[], %(given_back)s::int[]),
    generate_series(1, cardinality(%(ids)s::uuid[])))
    AS o(id, receive_count, nonce, status, started_ago, finished_ago, error, retry_in,
      given_back, ordinal)
  WHERE {tasks}.id = ANY(ARRAY(
      SELECT id FROM {tasks} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE))
    AND {tasks}.id = o.id AND {tasks}.receive_count = o.receive_count
    AND {tasks}.status IN ('ENQUEUED', 'IN_PROGRESS')
    AND extract(microseconds FROM visible_at)::int %% 1000 = o.nonce
  RETURNING o.ordinal
)
SELECT ARRAY(SELECT ordinal FROM written)

-- name: record_endings

-- name: delete_leases
WITH written AS (
  DELETE FROM {tasks}
  USING ROWS FROM (unnest(%(ids)s::uuid[], %(receive_counts)s::int[], %(nonces)s::int[]),
    generate_series(1, cardinality(%(ids)s::uuid[]))) AS held(id, receive_count, nonce, ordinal)
  WHERE {tasks}.id = ANY(ARRAY(
      SELECT id FROM {tasks} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE))
    AND {tasks}.id = held.id AND {tasks}.receive_count = held.receive_count
    AND status IN ('ENQUEUED', 'IN_PROGRESS')
    AND extract(microseconds FROM visible_at)::int %% 1000 = held.nonce
  RETURNING held.ordinal
)
SELECT ARRAY(SELECT ordinal FROM written)

-- name: release_leases
WITH written AS (
  UPDATE {tasks} SET status = 'NEW', receive_count = {tasks}.receive_count - 1,
    visible_at = '0001-01-01 00:00:00+00'
  FROM ROWS FROM (unnest(%(ids)s::uuid[], %(receive_counts)s::int[], %(nonces)s::int[]),
    generate_series(1, cardinality(%(ids)s::uuid[]))) AS held(id, receive_count, nonce, ordinal)
  WHERE {tasks}.id = ANY(ARRAY(
      SELECT id FROM {tasks} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE))
    AND {tasks}.id = held.id AND {tasks}.receive_count = held.receive_count
    AND status = 'ENQUEUED'
    AND extract(microseconds FROM visible_at)::int %% 1000 = held.nonce
  RETURNING held.ordinal
)
SELECT ARRAY(SELECT ordinal FROM written)

-- name: set_aside
UPDATE {tasks} SET status = 'NEW', receive_count = receive_count - 1,
  visible_at = statement_timestamp() + make_interval(secs => %(timeout)s)
WHERE id = %(id)s AND status = 'ENQUEUED'

-- name: held_leases

-- Used-up attempts get exactly one more.
-- name: requeue
UPDATE {tasks} SET status = 'NEW', visible_at = '0001-01-01 00:00:00+00',
  max_receives = CASE WHEN max_receives > 0 AND receive_count >= max_receives
    THEN least(receive_count, 2147483646) + 1 ELSE max_receives END
WHERE id = ANY(ARRAY(
    SELECT id FROM {tasks} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE))
  AND (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= statement_timestamp())

-- name: requeue_own
UPDATE {tasks} SET status = 'NEW', visible_at = '0001-01-01 00:00:00+00',
  max_receives = CASE WHEN max_receives > 0 AND receive_count >= max_receives
    THEN least(receive_count, 2147483646) + 1 ELSE max_receives END
WHERE id = %(id)s
  AND (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= statement_timestamp()
    OR (receive_count = %(receive_count)s
      AND extract(microseconds FROM visible_at)::int %% 1000 = %(nonce)s))

-- name: reset
UPDATE {tasks} SET status = 'NEW', visible_at = '0001-01-01 00:00:00+00',
  receive_count = 0, finished_at = NULL, last_error = NULL
WHERE id = ANY(ARRAY(
    SELECT id FROM {tasks} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE))
  AND (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= statement_timestamp())

-- `safe` spares live leases; the condition is checked again on the row that is deleted.
-- name: delete
DELETE FROM {tasks}
WHERE id = ANY(ARRAY(
    SELECT id FROM {tasks} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE))
  AND {where}
  AND (NOT %(safe)s OR status NOT IN ('ENQUEUED', 'IN_PROGRESS')
    OR visible_at <= statement_timestamp())

-- A server that takes no writes refuses it; on others it touches no row.
-- name: write_nothing
UPDATE {tasks} SET priority = priority WHERE 1 = 0
