-- PostgreSQL's side tables: the fleet's registry, pauses, attempts and schedules. Go never sees
-- them. Nothing here is written on the path of a task that succeeds.

-- Which of them are there, by name.
-- name: found
SELECT c.relname FROM pg_class c
 WHERE c.relkind IN ('r', 'i') AND c.relname LIKE %(pattern)s ESCAPE '|'
   AND c.relnamespace = (SELECT t.relnamespace FROM pg_class t WHERE t.oid = to_regclass('{tasks}'))

-- One row per running consumer; `format` is the version of the row's JSON.
-- name: create_consumers
CREATE TABLE IF NOT EXISTS {consumers} (
  id UUID NOT NULL PRIMARY KEY,
  format INTEGER NOT NULL,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  pid BIGINT NOT NULL,
  version TEXT NOT NULL,
  release_name TEXT NOT NULL,
  queues TEXT NOT NULL,
  types TEXT NOT NULL,
  workers INTEGER NOT NULL,
  state TEXT NOT NULL,
  counts TEXT NOT NULL,
  in_flight TEXT NOT NULL,
  last_error TEXT,
  started_at TIMESTAMPTZ NOT NULL,
  heartbeat_at TIMESTAMPTZ NOT NULL,
  heartbeat_seconds double precision NOT NULL,
  command TEXT,
  command_id UUID,
  command_at TIMESTAMPTZ,
  answer TEXT,
  answer_id UUID,
  answered_at TIMESTAMPTZ
)

-- name: create_pauses
CREATE TABLE IF NOT EXISTS {pauses} (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  paused_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  paused_at TIMESTAMPTZ NOT NULL,
  until_at TIMESTAMPTZ,
  PRIMARY KEY (kind, name)
)

-- One row per attempt that didn't succeed.
-- name: create_attempts
CREATE TABLE IF NOT EXISTS {attempts} (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  task_id UUID NOT NULL,
  receive_count INTEGER NOT NULL,
  consumer TEXT NOT NULL,
  host TEXT NOT NULL,
  started_at TIMESTAMPTZ,
  ended_at TIMESTAMPTZ NOT NULL,
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
  args BYTEA NOT NULL,
  priority SMALLINT NOT NULL,
  max_receives INTEGER NOT NULL,
  next_at TIMESTAMPTZ NOT NULL,
  last_at TIMESTAMPTZ,
  last_task_id UUID,
  paused BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
)
