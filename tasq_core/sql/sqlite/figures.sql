-- Figures on SQLite: how long tasks waited and ran, what arrives and ends, what holds the open
-- ones.

-- The newest :limit tasks that ended from :since to before :until, by {by}: how many
-- succeeded and failed; the 50th and 95th percentile and the longest wait, then run, in
-- microseconds; when the first ended. Percentiles are of those that started. Of these newest,
-- those of :queue alone, unless that is NULL.
-- name: timings
SELECT name, sum(status = 'SUCCESSFUL'), sum(status = 'FAILED'),
  max(CASE WHEN wait_rank = waits - (waits + 1) / 2 + 1 THEN wait END),
  max(CASE WHEN wait_rank = waits - (waits * 95 + 99) / 100 + 1 THEN wait END), max(wait),
  max(CASE WHEN run_rank = waits - (waits + 1) / 2 + 1 THEN run END),
  max(CASE WHEN run_rank = waits - (waits * 95 + 99) / 100 + 1 THEN run END), max(run),
  min(finished_at)
FROM (
  SELECT name, status, wait, run, finished_at,
    row_number() OVER (PARTITION BY name ORDER BY wait DESC) AS wait_rank,
    row_number() OVER (PARTITION BY name ORDER BY run DESC) AS run_rank,
    count(wait) OVER (PARTITION BY name) AS waits
  FROM (
    SELECT {by} AS name, queue AS of_queue, status, finished_at,
      max(started_at - created_at, 0) AS wait, max(finished_at - started_at, 0) AS run
    FROM {tasks}
    WHERE finished_at >= :since AND finished_at < :until AND +status IN ('SUCCESSFUL', 'FAILED')
    ORDER BY finished_at DESC LIMIT :limit
  ) WHERE :queue IS NULL OR of_queue = :queue
) GROUP BY name

-- (number of the bucket since 1970, name, status, count), and when the first of them ended.
-- name: ended
SELECT finished_at / :bucket AS ordinal, name, status, count(*), min(finished_at) FROM (
  SELECT finished_at, {by} AS name, status FROM {tasks}
  WHERE finished_at >= :since AND finished_at < :until AND +status IN ('SUCCESSFUL', 'FAILED')
  ORDER BY finished_at DESC LIMIT :limit
) GROUP BY ordinal, name, status

-- Five walks of the index, newest first, merged as far as the limit: nothing is sorted.
-- name: arrived
SELECT created_at / :bucket AS ordinal, name, 'NEW', count(*), min(created_at) FROM (
  SELECT created_at, {by} AS name FROM {tasks}
  WHERE status = 'NEW' AND created_at >= :since AND created_at < :until
  UNION ALL SELECT created_at, {by} AS name FROM {tasks}
  WHERE status = 'ENQUEUED' AND created_at >= :since AND created_at < :until
  UNION ALL SELECT created_at, {by} AS name FROM {tasks}
  WHERE status = 'IN_PROGRESS' AND created_at >= :since AND created_at < :until
  UNION ALL SELECT created_at, {by} AS name FROM {tasks}
  WHERE status = 'SUCCESSFUL' AND created_at >= :since AND created_at < :until
  UNION ALL SELECT created_at, {by} AS name FROM {tasks}
  WHERE status = 'FAILED' AND created_at >= :since AND created_at < :until
  ORDER BY created_at DESC LIMIT :limit
) GROUP BY ordinal, name

-- The open tasks of each queue and type: ready, delayed, leased, lapsed, exhausted, retrying
-- (failed before, to run again); since when the first of the ready ones could be claimed, and
-- since when the first lease has lapsed.
-- name: open_pairs
SELECT queue, type,
  sum(visible_at <= :now AND (max_receives = 0 OR receive_count < max_receives)),
  sum(status = 'NEW' AND visible_at > :now),
  sum(status <> 'NEW' AND visible_at > :now),
  sum(status <> 'NEW' AND visible_at <= :now),
  sum(visible_at <= :now AND max_receives > 0 AND receive_count >= max_receives),
  sum(status = 'NEW' AND receive_count > 0 AND last_error IS NOT NULL),
  min(CASE WHEN visible_at <= :now AND (max_receives = 0 OR receive_count < max_receives)
    THEN max(created_at, visible_at) END),
  min(CASE WHEN status <> 'NEW' AND visible_at <= :now THEN visible_at END)
FROM {tasks} WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') GROUP BY queue, type

-- differs: SQLite doesn't say who holds its file.
-- name: blockers
SELECT 'lock', '', 0, '' WHERE :lock_seconds < 0

-- differs: a file is its own server.
-- name: standing
SELECT 'read-only', '', 0, '' WHERE 0
