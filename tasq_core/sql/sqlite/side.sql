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

-- What a heartbeat writes; a command that waits in the row stays.
-- name: heartbeat
INSERT INTO {consumers} (id, format, name, host, pid, version, release_name, queues, types,
  workers, state, counts, in_flight, last_error, started_at, heartbeat_at, heartbeat_seconds)
VALUES (:id, :format, :name, :host, :pid, :version,
  :release_name, :queues, :types, :workers, :state, :counts,
  :in_flight, :last_error,
  :now - CAST(:started_ago * 1000000 AS INTEGER), :now, :heartbeat_seconds)
ON CONFLICT (id) DO UPDATE SET format = excluded.format, name = excluded.name, host =
  excluded.host, pid = excluded.pid, version = excluded.version, release_name =
  excluded.release_name, queues = excluded.queues, types = excluded.types, workers =
  excluded.workers, state = excluded.state, counts = excluded.counts, in_flight =
  excluded.in_flight, last_error = excluded.last_error, heartbeat_at = excluded.heartbeat_at,
  heartbeat_seconds = excluded.heartbeat_seconds

-- name: forget_consumer
DELETE FROM {consumers} WHERE id = :id

-- Those silent for a day; and where a process crashes again and again, those it replaced, unless
-- they held a task: then they tell who had it.
-- name: prune_consumers
DELETE FROM {consumers} AS gone WHERE heartbeat_at < :now - CAST(:age * 1000000 AS INTEGER)
  OR (heartbeat_at < :now - CAST(:replaced_age * 1000000 AS INTEGER) AND in_flight = :nothing
    AND EXISTS (SELECT 1 FROM {consumers} AS later WHERE later.name = gone.name
      AND later.host = gone.host AND later.started_at > gone.started_at))

-- name: consumers
SELECT id, format, name, host, pid, version, release_name, queues, types,
  workers, state, counts, in_flight, last_error, started_at, heartbeat_at, heartbeat_seconds, :now
FROM {consumers} ORDER BY name, started_at, id

-- name: pending_command
SELECT command, command_id FROM {consumers} WHERE id = :id AND command IS NOT NULL

-- name: send_command
UPDATE {consumers} SET command = :command, command_id = :command_id, command_at = :now
WHERE id = :id

-- name: answer_command
UPDATE {consumers} SET command = NULL, answer = :answer, answer_id = :command_id, answered_at = :now
WHERE id = :id AND command_id = :command_id

-- name: command_answer
SELECT command_id, answer_id, answer FROM {consumers} WHERE id = :id

-- name: pause
INSERT INTO {pauses} (kind, name, paused_by, reason, paused_at, until_at)
VALUES (:kind, :name, :paused_by, :reason, :now, :until)
ON CONFLICT (kind, name) DO UPDATE SET paused_by = excluded.paused_by, reason = excluded.reason,
  paused_at = excluded.paused_at, until_at = excluded.until_at

-- Those that have lapsed already go along, uncounted.
-- name: resume
DELETE FROM {pauses} WHERE kind = :kind AND name = :name
  AND (until_at IS NULL OR until_at > :now)

-- name: prune_pauses
DELETE FROM {pauses} WHERE until_at <= :now

-- name: pauses
SELECT kind, name, paused_by, reason, paused_at, until_at, :now
FROM {pauses} WHERE until_at IS NULL OR until_at > :now ORDER BY kind, name

-- The attempts whose outcomes this transaction has written. differs: once an attempt.
-- name: note_attempts
INSERT INTO {attempts} (task_id, receive_count, consumer, host, started_at, ended_at, outcome, error)
VALUES (:task_id, :receive_count, :consumer, :host, :now - CAST(:started_ago * 1000000 AS INTEGER),
  :now - CAST(:ended_ago * 1000000 AS INTEGER), :outcome, :error)

-- name: attempts_of
SELECT task_id, receive_count, consumer, host, started_at, ended_at, outcome, error
FROM {attempts} WHERE task_id = :id ORDER BY receive_count, number LIMIT :limit

-- name: prune_attempts
DELETE FROM {attempts} WHERE number IN (
  SELECT number FROM {attempts} WHERE ended_at < :now - CAST(:age * 1000000 AS INTEGER) ORDER BY ended_at LIMIT 1000)

-- The leases among the due tasks that a claim looks at, before it writes them.
-- name: lapsed_leases
WITH pair AS MATERIALIZED (
  SELECT json_extract(value, '$[0]') AS queue, json_extract(value, '$[1]') AS type
  FROM json_each(:pairs)
)
SELECT found.id, found.receive_count,
  CASE WHEN found.status = 'IN_PROGRESS' THEN found.started_at END, found.visible_at
FROM pair CROSS JOIN {tasks} AS found ON found.rowid IN (
  SELECT walk.rowid FROM {tasks} AS walk
  WHERE walk.queue = pair.queue AND walk.type = pair.type
    AND walk.status NOT IN ('SUCCESSFUL', 'FAILED') AND walk.visible_at > -62135596800000000 AND walk.visible_at <= :now
    AND (walk.max_receives = 0 OR walk.receive_count < walk.max_receives)
  ORDER BY walk.visible_at LIMIT :due)
WHERE +found.status IN ('ENQUEUED', 'IN_PROGRESS')

-- name: note_crash
INSERT INTO {attempts} (task_id, receive_count, consumer, host, started_at, ended_at, outcome, error)
VALUES (:id, :receive_count, '', '', :started_at, :ended_at, 'crashed', :crash)

-- What `fail_exhausted` is about to end.
-- name: note_exhausted
INSERT INTO {attempts} (task_id, receive_count, consumer, host, started_at, ended_at, outcome, error)
SELECT id, receive_count, '', '', CASE WHEN status = 'IN_PROGRESS' THEN started_at END, visible_at,
  'crashed', :crash FROM {tasks}
WHERE max_receives > 0 AND receive_count >= max_receives
  AND status NOT IN ('SUCCESSFUL', 'FAILED') AND status <> 'NEW' AND visible_at <= :now
  AND (queue, type) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:pairs))
