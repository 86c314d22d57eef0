-- PostgreSQL's side tables: the fleet's registry, pauses, attempts and schedules. Go never sees
-- them. Nothing here is written on the path of a task that succeeds.
-- Times are shown as the nearest that a datetime can hold, as in claim.sql.

-- Which of them are there, by name. A table that this user may not read is none to it, as on MySQL.
-- name: found
SELECT c.relname FROM pg_class c
 WHERE (c.relkind = 'i' OR c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT'))
   AND c.relname LIKE %(pattern)s ESCAPE '|'
   AND c.relnamespace = (SELECT t.relnamespace FROM pg_class t WHERE t.oid = to_regclass('{tasks}'))

-- What this user may not do to those that are there.
-- name: denied
SELECT kind, wanted
  FROM (VALUES ('consumers', to_regclass('{consumers}')), ('pauses', to_regclass('{pauses}')),
    ('attempts', to_regclass('{attempts}')), ('schedules', to_regclass('{schedules}'))) AS s (kind, id)
 CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) AS wanted
 WHERE id IS NOT NULL AND NOT has_table_privilege(id::oid, wanted)

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

-- name: schedules
SELECT name, cron, time_zone, missed, type, queue, args, priority, max_receives,
  least(greatest(next_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC',
  CASE WHEN last_at IS NOT NULL THEN
  least(greatest(last_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC' END, last_task_id, paused,
  least(greatest(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC',
  least(greatest(updated_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC'
FROM {schedules} ORDER BY name

-- name: schedule
SELECT name, cron, time_zone, missed, type, queue, args, priority, max_receives,
  least(greatest(next_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC',
  CASE WHEN last_at IS NOT NULL THEN
  least(greatest(last_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC' END, last_task_id, paused,
  least(greatest(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC',
  least(greatest(updated_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC'
FROM {schedules} WHERE name = %(name)s

-- What is due first, with the clock that decides whether it is.
-- name: next_schedules
SELECT name,
  least(greatest(next_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC'
FROM {schedules} WHERE NOT paused ORDER BY next_at LIMIT 100

-- name: insert_schedule
INSERT INTO {schedules} (name, cron, time_zone, missed, type, queue, args, priority, max_receives,
  next_at, last_at, last_task_id, paused, created_at, updated_at)
VALUES (%(name)s, %(cron)s, %(time_zone)s, %(missed)s, %(type)s, %(queue)s, %(args)s,
  %(priority)s, %(max_receives)s, %(next_at)s, NULL, NULL, FALSE, statement_timestamp(), statement_timestamp())
ON CONFLICT (name) DO NOTHING

-- A tick that is due already stays due, unless its times change: hence `next_at` first, which
-- MySQL sets by the old values.
-- name: change_schedule
UPDATE {schedules} SET
  next_at = CASE WHEN cron = %(cron)s AND time_zone = %(time_zone)s THEN next_at ELSE %(next_at)s END,
  cron = %(cron)s, time_zone = %(time_zone)s, missed = %(missed)s, type = %(type)s,
  queue = %(queue)s, args = %(args)s, priority = %(priority)s,
  max_receives = %(max_receives)s, updated_at = statement_timestamp()
WHERE name = %(name)s

-- The fence of a tick: whoever moves `next_at` on inserts its tasks, in the same transaction.
-- name: advance_schedule
UPDATE {schedules} SET next_at = %(next_at)s, last_at = coalesce(%(last_at)s, last_at),
  last_task_id = coalesce(%(last_task_id)s, last_task_id)
WHERE name = %(name)s AND next_at = %(seen)s AND NOT paused

-- name: pause_schedule
UPDATE {schedules} SET paused = TRUE, updated_at = statement_timestamp() WHERE name = %(name)s AND NOT paused

-- name: resume_schedule
UPDATE {schedules} SET paused = FALSE, next_at = %(next_at)s, updated_at = statement_timestamp()
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
  statement_timestamp() - make_interval(secs => %(started_ago)s), statement_timestamp(), %(heartbeat_seconds)s)
ON CONFLICT (id) DO UPDATE SET format = excluded.format, name = excluded.name, host =
  excluded.host, pid = excluded.pid, version = excluded.version, release_name =
  excluded.release_name, queues = excluded.queues, types = excluded.types, workers =
  excluded.workers, state = excluded.state, counts = excluded.counts, in_flight =
  excluded.in_flight, last_error = excluded.last_error, heartbeat_at = excluded.heartbeat_at,
  heartbeat_seconds = excluded.heartbeat_seconds

-- name: forget_consumer
DELETE FROM {consumers} WHERE id = %(id)s

-- Those silent for a day; and where a process crashes again and again, those it replaced, unless
-- they held a task: then they tell who had it.
-- name: prune_consumers
DELETE FROM {consumers} AS gone WHERE heartbeat_at < statement_timestamp() - make_interval(secs => %(age)s)
  OR (heartbeat_at < statement_timestamp() - make_interval(secs => %(replaced_age)s) AND in_flight = %(nothing)s
    AND EXISTS (SELECT 1 FROM {consumers} AS later WHERE later.name = gone.name
      AND later.host = gone.host AND later.started_at > gone.started_at))

-- name: consumers
SELECT id, format, name, host, pid, version, release_name, queues, types,
  workers, state, counts, in_flight, last_error,
  least(greatest(started_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC',
  least(greatest(heartbeat_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC', heartbeat_seconds, statement_timestamp() AT TIME ZONE 'UTC'
FROM {consumers} ORDER BY name, started_at, id

-- name: pending_command
SELECT command, command_id FROM {consumers} WHERE id = %(id)s AND command IS NOT NULL

-- name: send_command
UPDATE {consumers} SET command = %(command)s, command_id = %(command_id)s, command_at = statement_timestamp()
WHERE id = %(id)s

-- name: answer_command
UPDATE {consumers} SET command = NULL, answer = %(answer)s, answer_id = %(command_id)s, answered_at = statement_timestamp()
WHERE id = %(id)s AND command_id = %(command_id)s

-- name: command_answer
SELECT command_id, answer_id, answer FROM {consumers} WHERE id = %(id)s

-- name: pause
INSERT INTO {pauses} (kind, name, paused_by, reason, paused_at, until_at)
VALUES (%(kind)s, %(name)s, %(paused_by)s, %(reason)s, statement_timestamp(), %(until)s)
ON CONFLICT (kind, name) DO UPDATE SET paused_by = excluded.paused_by, reason = excluded.reason,
  paused_at = excluded.paused_at, until_at = excluded.until_at

-- Those that have lapsed already go along, uncounted.
-- name: resume
DELETE FROM {pauses} WHERE kind = %(kind)s AND name = %(name)s
  AND (until_at IS NULL OR until_at > statement_timestamp())

-- name: prune_pauses
DELETE FROM {pauses} WHERE until_at <= statement_timestamp()

-- name: pauses
SELECT kind, name, paused_by, reason,
  least(greatest(paused_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC',
  CASE WHEN until_at IS NOT NULL THEN
  least(greatest(until_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC' END, statement_timestamp() AT TIME ZONE 'UTC'
FROM {pauses} WHERE until_at IS NULL OR until_at > statement_timestamp() ORDER BY kind, name

-- The attempts whose outcomes this transaction has written.
-- name: note_attempts
INSERT INTO {attempts} (task_id, receive_count, consumer, host, started_at, ended_at, outcome, error)
SELECT task_id, receive_count, %(consumer)s, %(host)s,
  statement_timestamp() - make_interval(secs => started_ago), statement_timestamp() - make_interval(secs => ended_ago), outcome, error
FROM json_to_recordset(%(attempts)s::json) AS a(task_id uuid, receive_count int,
  started_ago float8, ended_ago float8, outcome text, error text)

-- name: attempts_of
SELECT task_id, receive_count, consumer, host,
  CASE WHEN started_at IS NOT NULL THEN
  least(greatest(started_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC' END,
  least(greatest(ended_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') AT TIME ZONE 'UTC', outcome, error
FROM {attempts} WHERE task_id = %(id)s ORDER BY receive_count, number LIMIT %(limit)s

-- name: prune_attempts
DELETE FROM {attempts} WHERE number IN (
  SELECT number FROM {attempts} WHERE ended_at < statement_timestamp() - make_interval(secs => %(age)s) ORDER BY ended_at LIMIT 1000)

-- What a claim notes of the leases that it found lapsed, of those that it ends too: the rows
-- as they were before the claim wrote them.
-- name: claim_crashes
, crashed AS (
  INSERT INTO {attempts} (task_id, receive_count, consumer, host, started_at, ended_at, outcome, error)
  SELECT id, receive_count, '', '', CASE WHEN status = 'IN_PROGRESS' THEN started_at END,
    visible_at, 'crashed', %(crash)s FROM {tasks}
  WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM candidate WHERE status <> 'NEW'{exhausted}))
)

-- Tells consumers to look at commands and pauses now.
-- name: notify
SELECT pg_notify('{lead}_fleet', '')

-- name: claim_crashes_exhausted
    UNION ALL (SELECT ctid FROM exhausted WHERE status <> 'NEW' AND (queue, type) IN (
      SELECT * FROM unnest(%(queues)s::text[], %(types)s::text[])) LIMIT 1000)
