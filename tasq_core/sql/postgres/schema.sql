-- PostgreSQL's schema: Go's table as Go makes it, then what only we see.

-- name: create_enum
CREATE TYPE {enum} AS ENUM ('NEW', 'ENQUEUED', 'IN_PROGRESS', 'SUCCESSFUL', 'FAILED')

-- name: create_table
CREATE TABLE IF NOT EXISTS {tasks} (
  id UUID NOT NULL PRIMARY KEY,
  type TEXT NOT NULL,
  args BYTEA NOT NULL,
  queue TEXT NOT NULL,
  priority SMALLINT NOT NULL,
  status {enum} NOT NULL,
  receive_count INTEGER NOT NULL DEFAULT 0,
  max_receives INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT '0001-01-01 00:00:00.000000+00',
  started_at TIMESTAMPTZ,
  finished_at TIMESTAMPTZ,
  visible_at TIMESTAMPTZ NOT NULL DEFAULT '0001-01-01 00:00:00.000000+00'
)

-- Each ordering walks its own index per (queue, type), so that neither history nor another
-- queue's backlog is ever scanned (EXPLAIN tests: tests/dialect/test_plans.py). Delayed and
-- leased tasks stand in a third: a claim leaves the first two and writes to one index, not two.
-- name: index_ready_created
CREATE INDEX IF NOT EXISTS "{name}_tasq_ready_created" ON {tasks}
  (queue, type, created_at, priority DESC) WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
    AND visible_at <= '0001-01-01 00:00:00+00'

-- name: index_ready_priority
CREATE INDEX IF NOT EXISTS "{name}_tasq_ready_priority" ON {tasks}
  (queue, type, priority DESC, created_at) WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
    AND visible_at <= '0001-01-01 00:00:00+00'

-- name: index_due
CREATE INDEX IF NOT EXISTS "{name}_tasq_due" ON {tasks}
  (queue, type, visible_at) WHERE status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
    AND visible_at > '0001-01-01 00:00:00+00'

-- The few rows on their last attempt, for those whose last lease lapses.
-- name: index_exhausted
CREATE INDEX IF NOT EXISTS "{name}_tasq_exhausted" ON {tasks} (visible_at)
  WHERE max_receives > 0 AND receive_count >= max_receives
    AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')

-- Pages, counts and cleaning: any set of statuses is a merge of its walks.
-- name: index_status
CREATE INDEX IF NOT EXISTS "{name}_tasq_status" ON {tasks} (status, created_at, id)

-- name: index_finished
CREATE INDEX IF NOT EXISTS "{name}_tasq_finished" ON {tasks} (finished_at)
  WHERE finished_at IS NOT NULL

-- Wakes idle consumers of inserts that aren't our own, where `migrate` was asked for it or
-- adopted a table of Go's. A payload would keep equal notices apart:
-- without one, those of a transaction fold into one.
-- name: notify_function
CREATE OR REPLACE FUNCTION {qualifier}"{name}_tasq_notify"() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify(TG_ARGV[0], ''); RETURN NULL; END $$

-- name: notify_trigger
CREATE TRIGGER "{name}_tasq_notify" AFTER INSERT ON {tasks}
  FOR EACH STATEMENT EXECUTE FUNCTION {qualifier}"{name}_tasq_notify"('{name}_tasq')

-- name: notify_drop
DROP FUNCTION IF EXISTS {qualifier}"{name}_tasq_notify"() CASCADE
