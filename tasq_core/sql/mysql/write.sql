-- Writing on MySQL and MariaDB. A lease is fenced by (id, receive_count, nonce): see
-- reports.Lease. differs: UPDATE returns no rows; where fewer matched than were asked for,
-- the flow runs again over those that `held_leases` has locked.
-- Rows are locked by primary key in the order of their ids, whatever the optimizer would rather
-- do: a walk of another index waits for a row while it holds that index's entry, which Go wants.
-- A moment is counted in UTC and then written as wall time, with the offset that holds at it.

-- differs: no ON CONFLICT DO NOTHING; IGNORE would also cut and replace what doesn't fit, so
-- the driver takes a duplicate for no row.
-- name: submit
INSERT INTO {tasks} (id, type, args, queue, priority, status, receive_count,
  max_receives, last_error, created_at, started_at, finished_at, visible_at)
VALUES (%(id)s, %(type)s, %(args)s, %(queue)s, %(priority)s, 'NEW', 0, %(max_receives)s,
  NULL, %(created_at)s, NULL, NULL, %(visible_at)s)

-- name: submit_prepared

-- name: submit_many
INSERT INTO {tasks} (id, type, args, queue, priority, status, receive_count,
  max_receives, created_at, visible_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)

-- name: restore
INSERT INTO {tasks} (id, type, args, queue, priority, status, receive_count,
  max_receives, last_error, created_at, started_at, finished_at, visible_at)
VALUES (%(id)s, %(type)s, %(args)s, %(queue)s, %(priority)s, %(status)s, %(receive_count)s,
  %(max_receives)s, %(last_error)s, %(created_at)s, %(started_at)s, %(finished_at)s,
  %(visible_at)s)

-- name: start
UPDATE {tasks} SET status = 'IN_PROGRESS', started_at = {wall}
WHERE id = %(id)s AND receive_count = %(receive_count)s
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND MOD(MICROSECOND(visible_at), 1000) = %(nonce)s

-- name: error
UPDATE {tasks} SET last_error = %(error)s
WHERE id = %(id)s AND receive_count = %(receive_count)s
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND MOD(MICROSECOND(visible_at), 1000) = %(nonce)s

-- name: finish
UPDATE {tasks} SET status = %(status)s, finished_at = {wall}
WHERE id = %(id)s AND receive_count = %(receive_count)s
  AND status IN ('ENQUEUED', 'IN_PROGRESS') AND MOD(MICROSECOND(visible_at), 1000) = %(nonce)s

-- A ping keeps the nonce: the last three digits of the microseconds.
-- name: ping
UPDATE {tasks} FORCE INDEX (PRIMARY) SET visible_at =
    UTC_TIMESTAMP(6) + INTERVAL ROUND(%(timeout)s * 1000) * 1000 MICROSECOND
    + INTERVAL IF(UTC_TIMESTAMP(6) + INTERVAL ROUND(%(timeout)s * 1000) * 1000 MICROSECOND
      < %(zone_change)s, %(zone_before)s, %(zone_after)s) SECOND
    - INTERVAL MOD(MICROSECOND(UTC_TIMESTAMP(6)), 1000) MICROSECOND
    + INTERVAL MOD(MICROSECOND(visible_at), 1000) MICROSECOND
WHERE id IN %(ids)s AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')

-- name: ping_leases
UPDATE JSON_TABLE(%(leases)s, '$[*]' COLUMNS (
  id CHAR(32) CHARACTER SET ascii PATH '$[0]', receive_count INT PATH '$[1]', nonce INT PATH '$[2]')) AS held
  STRAIGHT_JOIN {tasks}
  ON {tasks}.id = UNHEX(held.id) AND {tasks}.receive_count = held.receive_count
  AND MOD(MICROSECOND({tasks}.visible_at), 1000) = held.nonce
SET visible_at =
    UTC_TIMESTAMP(6) + INTERVAL ROUND(%(timeout)s * 1000) * 1000 MICROSECOND
    + INTERVAL IF(UTC_TIMESTAMP(6) + INTERVAL ROUND(%(timeout)s * 1000) * 1000 MICROSECOND
      < %(zone_change)s, %(zone_before)s, %(zone_after)s) SECOND
    - INTERVAL MOD(MICROSECOND(UTC_TIMESTAMP(6)), 1000) MICROSECOND
    + INTERVAL MOD(MICROSECOND(visible_at), 1000) MICROSECOND
WHERE status IN ('ENQUEUED', 'IN_PROGRESS')

-- `started_ago` and `finished_ago` are microseconds, `retry_in` is seconds.
-- name: record_outcomes
UPDATE JSON_TABLE(%(leases)s, '$[*]' COLUMNS (
    id CHAR(32) CHARACTER SET ascii PATH '$[0]', receive_count INT PATH '$[1]', nonce INT PATH '$[2]',
    status VARCHAR(11) PATH '$[3]', started_ago BIGINT PATH '$[4]',
    finished_ago BIGINT PATH '$[5]', error MEDIUMTEXT CHARACTER SET utf8mb4 PATH '$[6]',
    retry_in DOUBLE PATH '$[7]', given_back INT PATH '$[8]')) AS o
  STRAIGHT_JOIN {tasks}
  ON {tasks}.id = UNHEX(o.id) AND {tasks}.receive_count = o.receive_count
    AND MOD(MICROSECOND({tasks}.visible_at), 1000) = o.nonce
SET {tasks}.started_at = COALESCE(UTC_TIMESTAMP(6) - INTERVAL o.started_ago MICROSECOND
      + INTERVAL IF(UTC_TIMESTAMP(6) - INTERVAL o.started_ago MICROSECOND
        < %(zone_change)s, %(zone_before)s, %(zone_after)s) SECOND,
      {tasks}.started_at),
    {tasks}.finished_at = COALESCE(UTC_TIMESTAMP(6) - INTERVAL o.finished_ago MICROSECOND
      + INTERVAL IF(UTC_TIMESTAMP(6) - INTERVAL o.finished_ago MICROSECOND
        < %(zone_change)s, %(zone_before)s, %(zone_after)s) SECOND,
      {tasks}.finished_at),
    {tasks}.last_error = COALESCE(o.error, {tasks}.last_error),
    {tasks}.receive_count = {tasks}.receive_count - o.given_back,
    {tasks}.visible_at = CASE WHEN o.retry_in IS NULL THEN {tasks}.visible_at
      WHEN o.retry_in = 0 THEN '0001-01-01 00:00:00.000000'
      ELSE UTC_TIMESTAMP(6) + INTERVAL ROUND(o.retry_in * 1000000) MICROSECOND
        + INTERVAL IF(UTC_TIMESTAMP(6) + INTERVAL ROUND(o.retry_in * 1000000) MICROSECOND
          < %(zone_change)s, %(zone_before)s, %(zone_after)s) SECOND END,
    {tasks}.status = o.status
WHERE {tasks}.status IN ('ENQUEUED', 'IN_PROGRESS')

-- The same where no outcome has an error or goes back to the queue: those two columns take a
-- fifth of the time even where they are NULL.
-- name: record_endings
UPDATE JSON_TABLE(%(leases)s, '$[*]' COLUMNS (
    id CHAR(32) CHARACTER SET ascii PATH '$[0]', receive_count INT PATH '$[1]', nonce INT PATH '$[2]',
    status VARCHAR(11) PATH '$[3]', started_ago BIGINT PATH '$[4]',
    finished_ago BIGINT PATH '$[5]')) AS o
  STRAIGHT_JOIN {tasks}
  ON {tasks}.id = UNHEX(o.id) AND {tasks}.receive_count = o.receive_count
    AND MOD(MICROSECOND({tasks}.visible_at), 1000) = o.nonce
SET {tasks}.started_at = COALESCE(UTC_TIMESTAMP(6) - INTERVAL o.started_ago MICROSECOND
      + INTERVAL IF(UTC_TIMESTAMP(6) - INTERVAL o.started_ago MICROSECOND
        < %(zone_change)s, %(zone_before)s, %(zone_after)s) SECOND,
      {tasks}.started_at),
    {tasks}.finished_at = COALESCE(UTC_TIMESTAMP(6) - INTERVAL o.finished_ago MICROSECOND
      + INTERVAL IF(UTC_TIMESTAMP(6) - INTERVAL o.finished_ago MICROSECOND
        < %(zone_change)s, %(zone_before)s, %(zone_after)s) SECOND,
      {tasks}.finished_at),
    {tasks}.status = o.status
WHERE {tasks}.status IN ('ENQUEUED', 'IN_PROGRESS')

-- name: delete_leases
DELETE {tasks} FROM JSON_TABLE(%(leases)s, '$[*]' COLUMNS (
  id CHAR(32) CHARACTER SET ascii PATH '$[0]', receive_count INT PATH '$[1]', nonce INT PATH '$[2]')) AS held
  STRAIGHT_JOIN {tasks}
  ON {tasks}.id = UNHEX(held.id) AND {tasks}.receive_count = held.receive_count
  AND MOD(MICROSECOND({tasks}.visible_at), 1000) = held.nonce
WHERE {tasks}.status IN ('ENQUEUED', 'IN_PROGRESS')

-- name: release_leases
UPDATE JSON_TABLE(%(leases)s, '$[*]' COLUMNS (
  id CHAR(32) CHARACTER SET ascii PATH '$[0]', receive_count INT PATH '$[1]', nonce INT PATH '$[2]')) AS held
  STRAIGHT_JOIN {tasks}
  ON {tasks}.id = UNHEX(held.id) AND {tasks}.receive_count = held.receive_count
  AND MOD(MICROSECOND({tasks}.visible_at), 1000) = held.nonce
SET {tasks}.status = 'NEW', {tasks}.receive_count = {tasks}.receive_count - 1,
    {tasks}.visible_at = '0001-01-01 00:00:00.000000'
WHERE {tasks}.status = 'ENQUEUED'

-- name: set_aside
UPDATE {tasks} SET status = 'NEW', receive_count = receive_count - 1,
  visible_at = UTC_TIMESTAMP(6) + INTERVAL ROUND(%(timeout)s) SECOND
    + INTERVAL IF(UTC_TIMESTAMP(6) + INTERVAL ROUND(%(timeout)s) SECOND
      < %(zone_change)s, %(zone_before)s, %(zone_after)s) SECOND
WHERE id = %(id)s AND status = 'ENQUEUED'

-- MySQL refuses to lock with JSON_TABLE outside a derived table (error 3569).
-- name: held_leases
SELECT held.id, held.receive_count FROM (SELECT * FROM JSON_TABLE(%(leases)s, '$[*]' COLUMNS (
  id CHAR(32) CHARACTER SET ascii PATH '$[0]', receive_count INT PATH '$[1]', nonce INT PATH '$[2]')) AS given) AS held
  STRAIGHT_JOIN {tasks}
  ON {tasks}.id = UNHEX(held.id) AND {tasks}.receive_count = held.receive_count
  AND MOD(MICROSECOND({tasks}.visible_at), 1000) = held.nonce
WHERE {tasks}.status IN %(statuses)s
FOR UPDATE

-- Used-up attempts get exactly one more.
-- name: requeue
UPDATE {tasks} FORCE INDEX (PRIMARY) SET status = 'NEW', visible_at = '0001-01-01 00:00:00.000000',
  max_receives = IF(max_receives > 0 AND receive_count >= max_receives,
    LEAST(receive_count, 2147483646) + 1, max_receives)
WHERE id IN %(ids)s AND (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= {now})

-- name: requeue_own
UPDATE {tasks} SET status = 'NEW', visible_at = '0001-01-01 00:00:00.000000',
  max_receives = IF(max_receives > 0 AND receive_count >= max_receives,
    LEAST(receive_count, 2147483646) + 1, max_receives)
WHERE id = %(id)s AND ((status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= {now})
  OR (receive_count = %(receive_count)s AND MOD(MICROSECOND(visible_at), 1000) = %(nonce)s))

-- name: reset
UPDATE {tasks} FORCE INDEX (PRIMARY) SET status = 'NEW', visible_at = '0001-01-01 00:00:00.000000',
  receive_count = 0, finished_at = NULL, last_error = NULL
WHERE id IN %(ids)s AND (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= {now})

-- `safe` spares live leases; the condition is checked again on the row that is deleted.
-- name: delete
DELETE {tasks} FROM {tasks} FORCE INDEX (PRIMARY) WHERE id IN %(ids)s AND {where}
  AND (NOT %(safe)s OR (status NOT IN ('ENQUEUED', 'IN_PROGRESS') OR visible_at <= {now}))

-- A server that takes no writes refuses it; on others it touches no row.
-- name: write_nothing
UPDATE {tasks} SET priority = priority WHERE 1 = 0
