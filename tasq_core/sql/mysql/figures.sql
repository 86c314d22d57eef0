-- Figures on MySQL and MariaDB: how long tasks waited and ran, what arrives and ends, what holds
-- the open ones.
-- differs: grouped by a hash of each name, and the name is read from one row at the end: grouped by
-- columns of type text, 50,000 rows go through a table on disk and take two seconds.
-- differs: no row is read but that one: rows lie where their ids say, each in another page. The
-- index of ends, `ended`, names the entry of the index of statuses, `done` or `failed`, that has
-- the rest. The optimizer, to which an index with part of a text covers nothing, would go to the rows.

-- The newest %(limit)s tasks that ended from %(since)s to before %(until)s, by {by}: how many
-- succeeded and failed; the 50th and 95th percentile and the longest wait, then run, in
-- microseconds; when the first ended. Percentiles are of those that started. Of these newest,
-- those of %(queue)s alone, unless that is NULL.
-- name: timings
SELECT BINARY {by}, successes, failures, wait_50, wait_95, wait_max, run_50, run_95, run_max, first
FROM (
  SELECT hash, MIN(id) AS sample, SUM(status = 'SUCCESSFUL') AS successes,
    SUM(status = 'FAILED') AS failures,
    MAX(CASE WHEN wait_rank = waits - (waits + 1) DIV 2 + 1 THEN wait END) AS wait_50,
    MAX(CASE WHEN wait_rank = waits - (waits * 95 + 99) DIV 100 + 1 THEN wait END) AS wait_95,
    MAX(wait) AS wait_max,
    MAX(CASE WHEN run_rank = waits - (waits + 1) DIV 2 + 1 THEN run END) AS run_50,
    MAX(CASE WHEN run_rank = waits - (waits * 95 + 99) DIV 100 + 1 THEN run END) AS run_95,
    MAX(run) AS run_max, MIN(finished_at) AS first
  FROM (
    SELECT hash, id, status, wait, run, finished_at,
      ROW_NUMBER() OVER (PARTITION BY hash ORDER BY wait DESC) AS wait_rank,
      ROW_NUMBER() OVER (PARTITION BY hash ORDER BY run DESC) AS run_rank,
      COUNT(wait) OVER (PARTITION BY hash) AS waits
    FROM (
      SELECT CAST(CONV(LEFT(SHA2({ended_by}, 224), 16), 16, 10) AS UNSIGNED) AS hash, ended.id,
        COALESCE(done.status, failed.status) AS status, ended.finished_at,
        %(queue)s IS NULL
          OR CONVERT(COALESCE(done.queue, failed.queue) USING utf8mb4) COLLATE utf8mb4_bin
            = %(queue)s AS asked_for,
        GREATEST(TIMESTAMPDIFF(MICROSECOND, ended.created_at,
          COALESCE(done.started_at, failed.started_at)), 0) AS wait,
        GREATEST(TIMESTAMPDIFF(MICROSECOND,
          COALESCE(done.started_at, failed.started_at), ended.finished_at), 0) AS run
      FROM {tasks} AS ended {hint}
      LEFT JOIN {tasks} AS done {age_hint} ON done.status = 'SUCCESSFUL'
        AND done.created_at = ended.created_at AND done.id = ended.id
      LEFT JOIN {tasks} AS failed {age_hint} ON failed.status = 'FAILED'
        AND failed.created_at = ended.created_at AND failed.id = ended.id AND done.id IS NULL
      WHERE ended.finished_at >= %(since)s AND ended.finished_at < %(until)s
        AND (done.id IS NOT NULL OR failed.id IS NOT NULL)
      ORDER BY ended.finished_at DESC LIMIT %(limit)s
    ) AS newest WHERE asked_for
  ) AS placed GROUP BY hash
) AS named JOIN {tasks} ON {tasks}.id = named.sample

-- (number of the bucket since 1970, name, status, count), and when the first of them ended.
-- name: ended
SELECT ordinal, BINARY {by}, ended_as, number, first FROM (
  SELECT (TIMESTAMPDIFF(MICROSECOND, '1970-01-01', finished_at) - %(zone)s) DIV %(bucket)s AS ordinal,
    ended_as, MIN(MIN(id)) OVER (PARTITION BY hash) AS sample, COUNT(*) AS number,
    MIN(finished_at) AS first
  FROM (
    SELECT ended.finished_at, CAST(CONV(LEFT(SHA2({ended_by}, 224), 16), 16, 10) AS UNSIGNED) AS hash,
      COALESCE(done.status, failed.status) AS ended_as, ended.id
    FROM {tasks} AS ended {hint}
    LEFT JOIN {tasks} AS done {age_hint} ON done.status = 'SUCCESSFUL'
      AND done.created_at = ended.created_at AND done.id = ended.id
    LEFT JOIN {tasks} AS failed {age_hint} ON failed.status = 'FAILED'
      AND failed.created_at = ended.created_at AND failed.id = ended.id AND done.id IS NULL
    WHERE ended.finished_at >= %(since)s AND ended.finished_at < %(until)s
      AND (done.id IS NOT NULL OR failed.id IS NOT NULL)
    ORDER BY ended.finished_at DESC LIMIT %(limit)s
  ) AS newest GROUP BY ordinal, hash, ended_as
) AS named JOIN {tasks} ON {tasks}.id = named.sample

-- name: arrived
WITH recent AS (
  SELECT status, created_at AS made_at, id,
    CAST(CONV(LEFT(SHA2({by}, 224), 16), 16, 10) AS UNSIGNED) AS hash
  FROM {tasks} {age_hint}
  WHERE created_at >= %(since)s AND created_at < %(until)s
)
SELECT ordinal, BINARY {by}, 'NEW', number, first FROM (
  SELECT (TIMESTAMPDIFF(MICROSECOND, '1970-01-01', made_at) - %(zone)s) DIV %(bucket)s AS ordinal,
    MIN(MIN(id)) OVER (PARTITION BY hash) AS sample, COUNT(*) AS number, MIN(made_at) AS first
  FROM (
    (SELECT made_at, id, hash FROM recent WHERE status = 'NEW'
      ORDER BY made_at DESC LIMIT %(limit)s)
    UNION ALL (SELECT made_at, id, hash FROM recent WHERE status = 'ENQUEUED'
      ORDER BY made_at DESC LIMIT %(limit)s)
    UNION ALL (SELECT made_at, id, hash FROM recent WHERE status = 'IN_PROGRESS'
      ORDER BY made_at DESC LIMIT %(limit)s)
    UNION ALL (SELECT made_at, id, hash FROM recent WHERE status = 'SUCCESSFUL'
      ORDER BY made_at DESC LIMIT %(limit)s)
    UNION ALL (SELECT made_at, id, hash FROM recent WHERE status = 'FAILED'
      ORDER BY made_at DESC LIMIT %(limit)s)
    ORDER BY made_at DESC LIMIT %(limit)s
  ) AS newest GROUP BY ordinal, hash
) AS named JOIN {tasks} ON {tasks}.id = named.sample

-- The open tasks of each queue and type: ready, delayed, leased, lapsed, exhausted, retrying
-- (failed before, to run again); since when the first of the ready ones could be claimed, and
-- since when the first lease has lapsed. Rows are read of those that may have failed before.
-- name: open_pairs
SELECT BINARY queue, BINARY type, ready, `delayed`, leased, lapsed, exhausted, retrying,
  ready_since, lapsed_since
FROM (
  SELECT CAST(CONV(LEFT(SHA2(pending.queue, 224), 16), 16, 10) AS UNSIGNED) AS queue_hash,
    CAST(CONV(LEFT(SHA2(pending.type, 224), 16), 16, 10) AS UNSIGNED) AS type_hash,
    MIN(pending.id) AS sample,
    SUM(pending.visible_at <= clock AND (pending.max_receives = 0
      OR pending.receive_count < pending.max_receives)) AS ready,
    SUM(pending.status = 'NEW' AND pending.visible_at > clock) AS `delayed`,
    SUM(pending.status <> 'NEW' AND pending.visible_at > clock) AS leased,
    SUM(pending.status <> 'NEW' AND pending.visible_at <= clock) AS lapsed,
    SUM(pending.visible_at <= clock AND pending.max_receives > 0
      AND pending.receive_count >= pending.max_receives) AS exhausted,
    SUM(retried.last_error IS NOT NULL) AS retrying,
    MIN(CASE WHEN pending.visible_at <= clock AND (pending.max_receives = 0
        OR pending.receive_count < pending.max_receives)
      THEN GREATEST(pending.created_at, pending.visible_at) END) AS ready_since,
    MIN(CASE WHEN pending.status <> 'NEW' AND pending.visible_at <= clock
      THEN pending.visible_at END) AS lapsed_since
  FROM (SELECT {now} AS clock) AS this CROSS JOIN {tasks} AS pending {age_hint}
  LEFT JOIN {tasks} AS retried FORCE INDEX (PRIMARY)
    ON retried.id = IF(pending.status = 'NEW' AND pending.receive_count > 0, pending.id, NULL)
  WHERE pending.status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') GROUP BY queue_hash, type_hash
) AS named JOIN {tasks} ON {tasks}.id = named.sample

-- (kind, who, seconds, detail) of what holds the table up: sessions that wait for a row of it for
-- longer than %(lock_seconds)s, transactions open for longer than %(long_seconds)s, with locked
-- rows or with a snapshot alone, which keeps old rows. Needs the right PROCESS. Their times are the server's own wall time, whatever
-- zone the session has.
-- name: blockers
SELECT CASE WHEN trx_state = 'LOCK WAIT' THEN 'lock' WHEN trx_rows_locked > 0 THEN 'transaction'
  ELSE 'snapshot' END, trx_mysql_thread_id,
  TIMESTAMPDIFF(SECOND, COALESCE(trx_wait_started, trx_started), clock),
  IF(trx_state = 'LOCK WAIT', '', CONCAT(trx_state, ', ', trx_rows_locked, ' rows locked'))
FROM information_schema.innodb_trx
CROSS JOIN (SELECT CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM') AS clock) AS this
WHERE trx_mysql_thread_id <> CONNECTION_ID() AND (
  (trx_state = 'LOCK WAIT' AND INSTR(trx_query, %(table)s)
    AND TIMESTAMPDIFF(SECOND, trx_wait_started, clock) > %(lock_seconds)s)
  OR (trx_state <> 'LOCK WAIT'
    AND TIMESTAMPDIFF(SECOND, trx_started, clock) > %(long_seconds)s))

-- differs: how far a replica lags only SHOW REPLICA STATUS tells, to who has the right.
-- name: standing
SELECT 'read-only', '', 0, 'read_only is on' FROM (SELECT 1) AS this
WHERE @@global.read_only NOT IN ('0', 'OFF')
