-- Figures on PostgreSQL: how long tasks waited and ran, what arrives and ends, what holds the open
-- ones. Infinite times, which Go can't read and we only clamp, are left out.

-- The newest %(limit)s tasks that ended from %(since)s to before %(until)s, by {by}: how many
-- succeeded and failed; the 50th and 95th percentile and the longest wait, then run, in
-- microseconds; when the first ended. Percentiles are of those that started. Of these newest,
-- those of %(queue)s alone, unless that is NULL.
-- name: timings
SELECT name, done, failed, waits[1], waits[2], waits[3], runs[1], runs[2], runs[3], first
FROM (
  SELECT name, count(*) FILTER (WHERE status = 'SUCCESSFUL') AS done,
    count(*) FILTER (WHERE status = 'FAILED') AS failed,
    percentile_disc(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (ORDER BY wait) AS waits,
    percentile_disc(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (ORDER BY run) AS runs,
    min(finished_at) AT TIME ZONE 'UTC' AS first
  FROM (
    SELECT {by} AS name, queue AS of_queue, status, finished_at,
      CASE WHEN isfinite(created_at) AND isfinite(started_at) THEN
        greatest(extract(epoch FROM started_at - created_at)::float8, 0) * 1000000 END AS wait,
      CASE WHEN isfinite(started_at) THEN
        greatest(extract(epoch FROM finished_at - started_at)::float8, 0) * 1000000 END AS run
    FROM {tasks}
    WHERE finished_at >= %(since)s AND finished_at < %(until)s
      AND status IN ('SUCCESSFUL', 'FAILED')
    ORDER BY finished_at DESC LIMIT %(limit)s
  ) AS newest WHERE %(queue)s::text IS NULL OR of_queue = %(queue)s GROUP BY name
) AS named

-- (number of the bucket since 1970, name, status, count), and when the first of them ended.
-- name: ended
SELECT floor(extract(epoch FROM finished_at)::float8 * 1000000 / %(bucket)s)::bigint AS ordinal,
  name, status, count(*), min(finished_at) AT TIME ZONE 'UTC'
FROM (
  SELECT finished_at, {by} AS name, status FROM {tasks}
  WHERE finished_at >= %(since)s AND finished_at < %(until)s AND status IN ('SUCCESSFUL', 'FAILED')
  ORDER BY finished_at DESC LIMIT %(limit)s
) AS newest GROUP BY ordinal, name, status

-- name: arrived
SELECT floor(extract(epoch FROM created_at)::float8 * 1000000 / %(bucket)s)::bigint AS ordinal,
  name, 'NEW', count(*), min(created_at) AT TIME ZONE 'UTC'
FROM (
  SELECT walk.created_at, walk.name FROM unnest(enum_range(NULL::{enum})) AS s(wanted)
  CROSS JOIN LATERAL (
    SELECT created_at, {by} AS name FROM {tasks}
    WHERE status = s.wanted AND created_at >= %(since)s AND created_at < %(until)s
    ORDER BY created_at DESC LIMIT %(limit)s
  ) AS walk ORDER BY walk.created_at DESC LIMIT %(limit)s
) AS newest GROUP BY ordinal, name

-- The open tasks of each queue and type: ready, delayed, leased, lapsed, exhausted, retrying
-- (failed before, to run again); since when the first of the ready ones could be claimed, and
-- since when the first lease has lapsed.
-- name: open_pairs
SELECT queue, type,
  count(*) FILTER (WHERE visible_at <= statement_timestamp()
    AND (max_receives = 0 OR receive_count < max_receives)),
  count(*) FILTER (WHERE status = 'NEW' AND visible_at > statement_timestamp()),
  count(*) FILTER (WHERE status <> 'NEW' AND visible_at > statement_timestamp()),
  count(*) FILTER (WHERE status <> 'NEW' AND visible_at <= statement_timestamp()),
  count(*) FILTER (WHERE visible_at <= statement_timestamp()
    AND max_receives > 0 AND receive_count >= max_receives),
  count(*) FILTER (WHERE status = 'NEW' AND receive_count > 0 AND last_error IS NOT NULL),
  min(least(greatest(created_at, visible_at, '0001-01-01 00:00:00+00'),
      '9999-12-31 23:59:59.999999+00'))
    FILTER (WHERE visible_at <= statement_timestamp()
      AND (max_receives = 0 OR receive_count < max_receives)) AT TIME ZONE 'UTC',
  min(greatest(visible_at, '0001-01-01 00:00:00+00'))
    FILTER (WHERE status <> 'NEW' AND visible_at <= statement_timestamp()) AT TIME ZONE 'UTC'
FROM {tasks} WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') GROUP BY queue, type

-- (kind, who, seconds, detail) of what holds the table up: sessions that wait for a lock on it for
-- longer than %(lock_seconds)s, transactions that have touched it and are open for longer than
-- %(long_seconds)s, others of this database that keep rows from being cleaned up for as long,
-- standbys that lag by as much.
-- name: blockers
WITH ours AS (
  SELECT DISTINCT pid FROM pg_locks
  WHERE relation = to_regclass(%(table)s) AND pid <> pg_backend_pid()
), sessions AS (
  SELECT a.pid, a.state, a.application_name, a.wait_event_type, pg_blocking_pids(a.pid) AS holders,
    extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS asked,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS open
  FROM pg_stat_activity AS a JOIN ours USING (pid)
)
SELECT 'lock', pid::text, asked, array_to_string(holders, ', ') FROM sessions
WHERE wait_event_type = 'Lock' AND cardinality(holders) > 0 AND asked > %(lock_seconds)s
UNION ALL
SELECT 'transaction', pid::text, open, coalesce(state, '') || ' ' || coalesce(application_name, '')
FROM sessions WHERE open > %(long_seconds)s
UNION ALL
SELECT 'snapshot', pid::text, extract(epoch FROM clock_timestamp() - xact_start)::float8,
  coalesce(state, '') || ' ' || coalesce(application_name, '')
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND backend_xmin IS NOT NULL AND pid NOT IN (SELECT pid FROM ours)
  AND extract(epoch FROM clock_timestamp() - xact_start) > %(long_seconds)s
UNION ALL
SELECT 'standby', coalesce(nullif(application_name, ''), pid::text),
  extract(epoch FROM replay_lag)::float8, ''
FROM pg_stat_replication WHERE extract(epoch FROM replay_lag) > %(long_seconds)s

-- (kind, who, seconds, detail) where this server takes no writes: how old what it shows is.
-- name: standing
SELECT 'read-only', '', CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
  ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)
  END::float8, 'a standby'
WHERE pg_is_in_recovery()
