-- SQLite's side tables: registry, pauses, attempts, schedules. Times are whole microseconds since
-- 1970 UTC.

-- Which of them are there, by name.
-- name: found
SELECT name FROM sqlite_master WHERE name LIKE :pattern ESCAPE '|'

-- One row per running consumer; `format` is the version of the row's JSON.
-- name: create_consumers
CREATE TABLE IF NOT EXISTS {consumers} (
  id BLOB NOT NULL PRIMARY KEY,
  format INTEGER NOT NULL,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  version TEXT NOT NULL,
  release_name TEXT NOT NULL,
  queues TEXT NOT NULL,
  types TEXT NOT NULL,
  workers INTEGER NOT NULL,
  state TEXT NOT NULL,
  counts TEXT NOT NULL,
  in_flight TEXT NOT NULL,
  last_error TEXT,
  started_at INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL,
  heartbeat_seconds REAL NOT NULL,
  command TEXT,
  command_id BLOB,
  command_at INTEGER,
  answer TEXT,
  answer_id BLOB,
  answered_at INTEGER
)

-- name: create_pauses
CREATE TABLE IF NOT EXISTS {pauses} (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  paused_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  paused_at INTEGER NOT NULL,
  until_at INTEGER,
  PRIMARY KEY (kind, name)
)

-- One row per attempt that didn't succeed.
-- name: create_attempts
CREATE TABLE IF NOT EXISTS {attempts} (
  number INTEGER PRIMARY KEY,
  task_id BLOB NOT NULL,
  receive_count INTEGER NOT NULL,
  consumer TEXT NOT NULL,
  host TEXT NOT NULL,
  started_at INTEGER,
  ended_at INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  error TEXT
)

-- name: create_attempts_task
CREATE INDEX IF NOT EXISTS "{lead}_attempts_task" ON {attempts} (task_id, receive_count)

-- What is old is pruned by this one, never by a scan.
-- name: create_attempts_ended
CREATE INDEX IF NOT EXISTS "{lead}_attempts_ended" ON {attempts} (ended_at)

-- Periodic tasks. A tick is fenced by a compare-and-set on next_at.
-- name: create_schedules
CREATE TABLE IF NOT EXISTS {schedules} (
  name TEXT NOT NULL PRIMARY KEY,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  missed TEXT NOT NULL,
  type TEXT NOT NULL,
  queue TEXT NOT NULL,
  args BLOB NOT NULL,
  priority INTEGER NOT NULL,
  max_receives INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  last_at INTEGER,
  last_task_id BLOB,
  paused INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
)

-- name: schedules
SELECT name, cron, time_zone, missed, type, queue, args, priority, max_receives, next_at, last_at,
  last_task_id, paused, created_at, updated_at
FROM {schedules} ORDER BY name

-- name: schedule
SELECT name, cron, time_zone, missed, type, queue, args, priority, max_receives, next_at, last_at,
  last_task_id, paused, created_at, updated_at
FROM {schedules} WHERE name = :name

-- What is due first, with the clock that decides whether it is.
-- name: next_schedules
SELECT name, next_at, :now
FROM {schedules} WHERE NOT paused ORDER BY next_at LIMIT 100

-- name: insert_schedule
INSERT INTO {schedules} (name, cron, time_zone, missed, type, queue, args, priority, max_receives,
  next_at, last_at, last_task_id, paused, created_at, updated_at)
VALUES (:name, :cron, :time_zone, :missed, :type, :queue, :args,
  :priority, :max_receives, :next_at, NULL, NULL, 0, :now, :now)
ON CONFLICT (name) DO NOTHING

-- A tick that is due already stays due, unless its times change: hence `next_at` first, which
-- MySQL sets by the old values.
-- name: change_schedule
UPDATE {schedules} SET
  next_at = CASE WHEN cron = :cron AND time_zone = :time_zone THEN next_at ELSE :next_at END,
  cron = :cron, time_zone = :time_zone, missed = :missed, type = :type,
  queue = :queue, args = :args, priority = :priority,
  max_receives = :max_receives, updated_at = :now
WHERE name = :name

-- The fence of a tick: whoever moves `next_at` on inserts its tasks, in the same transaction.
-- name: advance_schedule
UPDATE {schedules} SET next_at = :next_at, last_at = coalesce(:last_at, last_at),
  last_task_id = coalesce(:last_task_id, last_task_id)
WHERE name = :name AND next_at = :seen AND NOT paused

-- name: pause_schedule
UPDATE {schedules} SET paused = 1, updated_at = :now WHERE name = :name AND NOT paused

-- name: resume_schedule
UPDATE {schedules} SET paused = 0, next_at = :next_at, updated_at = :now
WHERE name = :name AND paused

-- name: remove_schedule
DELETE FROM {schedules} WHERE name = :name
