-- MySQL's and MariaDB's side tables: registry, pauses, attempts, schedules. Times are UTC, whatever
-- zone the task table's are in. Texts compare by bytes, as elsewhere.

-- Which of them are there, by name.
-- name: found
SELECT table_name FROM information_schema.tables
 WHERE table_schema = {schema} AND table_name LIKE %(pattern)s ESCAPE '|'

-- One row per running consumer; `format` is the version of the row's JSON.
-- name: create_consumers
CREATE TABLE IF NOT EXISTS {consumers} (
  id binary(16) NOT NULL PRIMARY KEY,
  format int NOT NULL,
  name varchar(512) NOT NULL,
  host longtext NOT NULL,
  pid bigint NOT NULL,
  version longtext NOT NULL,
  release_name longtext NOT NULL,
  queues longtext NOT NULL,
  types longtext NOT NULL,
  workers int NOT NULL,
  state longtext NOT NULL,
  counts longtext NOT NULL,
  in_flight longtext NOT NULL,
  last_error longtext,
  started_at datetime(6) NOT NULL,
  heartbeat_at datetime(6) NOT NULL,
  heartbeat_seconds double NOT NULL,
  command longtext,
  command_id binary(16),
  command_at datetime(6),
  answer longtext,
  answer_id binary(16),
  answered_at datetime(6)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: create_pauses
CREATE TABLE IF NOT EXISTS {pauses} (
  kind varchar(16) NOT NULL,
  name varchar(512) NOT NULL,
  paused_by longtext NOT NULL,
  reason longtext NOT NULL,
  paused_at datetime(6) NOT NULL,
  until_at datetime(6),
  PRIMARY KEY (kind, name)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- One row per attempt that didn't succeed.
-- name: create_attempts
CREATE TABLE IF NOT EXISTS {attempts} (
  number bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  task_id binary(16) NOT NULL,
  receive_count int NOT NULL,
  consumer longtext NOT NULL,
  host longtext NOT NULL,
  started_at datetime(6),
  ended_at datetime(6) NOT NULL,
  outcome longtext NOT NULL,
  error longtext,
  INDEX `{lead}_attempts_task` (task_id, receive_count),
  INDEX `{lead}_attempts_ended` (ended_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- Periodic tasks. A tick is fenced by a compare-and-set on next_at.
-- name: create_schedules
CREATE TABLE IF NOT EXISTS {schedules} (
  name varchar(512) NOT NULL PRIMARY KEY,
  cron longtext NOT NULL,
  time_zone longtext NOT NULL,
  missed longtext NOT NULL,
  type longtext NOT NULL,
  queue longtext NOT NULL,
  args longblob NOT NULL,
  priority smallint NOT NULL,
  max_receives int NOT NULL,
  next_at datetime(6) NOT NULL,
  last_at datetime(6),
  last_task_id binary(16),
  paused boolean NOT NULL,
  created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- name: schedules
SELECT name, cron, time_zone, missed, type, queue, args, priority, max_receives, next_at, last_at,
  last_task_id, paused, created_at, updated_at
FROM {schedules} ORDER BY name

-- name: schedule
SELECT name, cron, time_zone, missed, type, queue, args, priority, max_receives, next_at, last_at,
  last_task_id, paused, created_at, updated_at
FROM {schedules} WHERE name = %(name)s

-- What is due first, with the clock that decides whether it is.
-- name: next_schedules
SELECT name, next_at, UTC_TIMESTAMP(6)
FROM {schedules} WHERE NOT paused ORDER BY next_at LIMIT 100

-- differs: the driver takes a duplicate for no row.
-- name: insert_schedule
INSERT INTO {schedules} (name, cron, time_zone, missed, type, queue, args, priority, max_receives,
  next_at, last_at, last_task_id, paused, created_at, updated_at)
VALUES (%(name)s, %(cron)s, %(time_zone)s, %(missed)s, %(type)s, %(queue)s, %(args)s,
  %(priority)s, %(max_receives)s, %(next_at)s, NULL, NULL, FALSE, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))

-- A tick that is due already stays due, unless its times change: hence `next_at` first, which
-- MySQL sets by the old values.
-- name: change_schedule
UPDATE {schedules} SET
  next_at = CASE WHEN cron = %(cron)s AND time_zone = %(time_zone)s THEN next_at ELSE %(next_at)s END,
  cron = %(cron)s, time_zone = %(time_zone)s, missed = %(missed)s, type = %(type)s,
  queue = %(queue)s, args = %(args)s, priority = %(priority)s,
  max_receives = %(max_receives)s, updated_at = UTC_TIMESTAMP(6)
WHERE name = %(name)s

-- The fence of a tick: whoever moves `next_at` on inserts its tasks, in the same transaction.
-- name: advance_schedule
UPDATE {schedules} SET next_at = %(next_at)s, last_at = coalesce(%(last_at)s, last_at),
  last_task_id = coalesce(%(last_task_id)s, last_task_id)
WHERE name = %(name)s AND next_at = %(seen)s AND NOT paused

-- name: pause_schedule
UPDATE {schedules} SET paused = TRUE, updated_at = UTC_TIMESTAMP(6) WHERE name = %(name)s AND NOT paused

-- name: resume_schedule
UPDATE {schedules} SET paused = FALSE, next_at = %(next_at)s, updated_at = UTC_TIMESTAMP(6)
WHERE name = %(name)s AND paused

-- name: remove_schedule
DELETE FROM {schedules} WHERE name = %(name)s

-- What a heartbeat writes; a command that waits in the row stays.
-- name: heartbeat
INSERT INTO {consumers} (id, format, name, host, pid, version, release_name, queues, types,
  workers, state, counts, in_flight, last_error, started_at, heartbeat_at, heartbeat_seconds)
VALUES (%(id)s, %(format)s, %(name)s, %(host)s, %(pid)s, %(version)s,
  %(release_name)s, %(queues)s, %(types)s, %(workers)s, %(state)s, %(counts)s,
  %(in_flight)s, %(last_error)s,
  UTC_TIMESTAMP(6) - INTERVAL ROUND(%(started_ago)s * 1000000) MICROSECOND, UTC_TIMESTAMP(6), %(heartbeat_seconds)s)
ON DUPLICATE KEY UPDATE format = VALUES(format), name = VALUES(name), host = VALUES(host), pid =
  VALUES(pid), version = VALUES(version), release_name = VALUES(release_name), queues =
  VALUES(queues), types = VALUES(types), workers = VALUES(workers), state = VALUES(state),
  counts = VALUES(counts), in_flight = VALUES(in_flight), last_error = VALUES(last_error),
  heartbeat_at = VALUES(heartbeat_at), heartbeat_seconds = VALUES(heartbeat_seconds)

-- name: forget_consumer
DELETE FROM {consumers} WHERE id = %(id)s

-- Those silent for a day; and where a process crashes again and again, those it replaced, unless
-- they held a task: then they tell who had it.
-- differs: MySQL deletes from no table that the statement reads, unless through a derived one that
-- it can't merge.
-- name: prune_consumers
DELETE FROM {consumers} WHERE heartbeat_at < UTC_TIMESTAMP(6) - INTERVAL ROUND(%(age)s * 1000000) MICROSECOND
  OR id IN (SELECT id FROM (SELECT DISTINCT gone.id FROM {consumers} AS gone JOIN {consumers} AS later
      ON later.name = gone.name AND later.host = gone.host AND later.started_at > gone.started_at
    WHERE gone.heartbeat_at < UTC_TIMESTAMP(6) - INTERVAL ROUND(%(replaced_age)s * 1000000) MICROSECOND
      AND gone.in_flight = %(nothing)s) AS replaced)

-- name: consumers
SELECT id, format, name, host, pid, version, release_name, queues, types,
  workers, state, counts, in_flight, last_error, started_at, heartbeat_at, heartbeat_seconds, UTC_TIMESTAMP(6)
FROM {consumers} ORDER BY name, started_at, id

-- name: pending_command
SELECT command, command_id FROM {consumers} WHERE id = %(id)s AND command IS NOT NULL

-- name: send_command
UPDATE {consumers} SET command = %(command)s, command_id = %(command_id)s, command_at = UTC_TIMESTAMP(6)
WHERE id = %(id)s

-- name: answer_command
UPDATE {consumers} SET command = NULL, answer = %(answer)s, answer_id = %(command_id)s, answered_at = UTC_TIMESTAMP(6)
WHERE id = %(id)s AND command_id = %(command_id)s

-- name: command_answer
SELECT command_id, answer_id, answer FROM {consumers} WHERE id = %(id)s

-- name: pause
INSERT INTO {pauses} (kind, name, paused_by, reason, paused_at, until_at)
VALUES (%(kind)s, %(name)s, %(paused_by)s, %(reason)s, UTC_TIMESTAMP(6), %(until)s)
ON DUPLICATE KEY UPDATE paused_by = VALUES(paused_by), reason = VALUES(reason), paused_at =
  VALUES(paused_at), until_at = VALUES(until_at)

-- Those that have lapsed already go along, uncounted.
-- name: resume
DELETE FROM {pauses} WHERE kind = %(kind)s AND name = %(name)s
  AND (until_at IS NULL OR until_at > UTC_TIMESTAMP(6))

-- name: prune_pauses
DELETE FROM {pauses} WHERE until_at <= UTC_TIMESTAMP(6)

-- name: pauses
SELECT kind, name, paused_by, reason, paused_at, until_at, UTC_TIMESTAMP(6)
FROM {pauses} WHERE until_at IS NULL OR until_at > UTC_TIMESTAMP(6) ORDER BY kind, name

-- The attempts whose outcomes this transaction has written.
-- name: note_attempts
INSERT INTO {attempts} (task_id, receive_count, consumer, host, started_at, ended_at, outcome, error)
SELECT UNHEX(a.task_id), a.receive_count, %(consumer)s, %(host)s,
  UTC_TIMESTAMP(6) - INTERVAL ROUND(a.started_ago * 1000000) MICROSECOND,
  UTC_TIMESTAMP(6) - INTERVAL ROUND(a.ended_ago * 1000000) MICROSECOND, a.outcome, a.error
FROM JSON_TABLE(%(attempts)s, '$[*]' COLUMNS (
  task_id CHAR(32) CHARACTER SET ascii PATH '$.task_id', receive_count INT PATH '$.receive_count',
  started_ago DOUBLE PATH '$.started_ago', ended_ago DOUBLE PATH '$.ended_ago',
  outcome VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.outcome',
  error MEDIUMTEXT CHARACTER SET utf8mb4 PATH '$.error')) AS a

-- name: attempts_of
SELECT task_id, receive_count, consumer, host, started_at, ended_at, outcome, error
FROM {attempts} WHERE task_id = %(id)s ORDER BY receive_count, number LIMIT %(limit)s

-- name: prune_attempts
DELETE FROM {attempts} WHERE ended_at < UTC_TIMESTAMP(6) - INTERVAL ROUND(%(age)s * 1000000) MICROSECOND ORDER BY ended_at LIMIT 1000

-- Leases that a claim found lapsed, whose rows it has locked and not yet written.
-- name: note_crashes
INSERT INTO {attempts} (task_id, receive_count, consumer, host, started_at, ended_at, outcome, error)
SELECT id, receive_count, '', '',
  IF(status = 'IN_PROGRESS', started_at + INTERVAL TIMESTAMPDIFF(SECOND, {wall}, UTC_TIMESTAMP(6)) SECOND, NULL),
  visible_at + INTERVAL TIMESTAMPDIFF(SECOND, {wall}, UTC_TIMESTAMP(6)) SECOND, 'crashed', %(crash)s
FROM {tasks} WHERE id IN %(ids)s AND status IN ('ENQUEUED', 'IN_PROGRESS')
