-- MySQL's and MariaDB's schema: Go's table as Go makes it, then the indexes.

-- name: create_table
CREATE TABLE IF NOT EXISTS {tasks} (
  id binary(16) NOT NULL PRIMARY KEY,
  type text NOT NULL,
  args longblob NOT NULL,
  queue text NOT NULL,
  priority smallint NOT NULL,
  status enum('NEW', 'ENQUEUED', 'IN_PROGRESS', 'SUCCESSFUL', 'FAILED') NOT NULL,
  receive_count int NOT NULL DEFAULT '0',
  max_receives int NOT NULL DEFAULT '0',
  last_error text,
  created_at datetime(6) NOT NULL DEFAULT '0001-01-01 00:00:00.000000',
  started_at datetime(6),
  finished_at datetime(6),
  visible_at datetime(6) NOT NULL DEFAULT '0001-01-01 00:00:00.000000'
) DEFAULT CHARACTER SET utf8mb4

-- differs: there are no partial indexes, so the status leads; text needs a prefix length,
-- behind which MariaDB still reads the rest of the index in order (tests/dialect/test_plans.py).
-- Behind (status, visible_at) a claim's write lands far from what Go's polls lock.
-- name: index_ready_created
ALTER TABLE {tasks} ADD INDEX `{name}_tasq_ready_created`
  (status, visible_at, queue(64), type(64), created_at, priority DESC),
  ALGORITHM = INPLACE, LOCK = NONE

-- name: index_ready_priority
ALTER TABLE {tasks} ADD INDEX `{name}_tasq_ready_priority`
  (status, queue(64), type(64), visible_at, priority DESC, created_at),
  ALGORITHM = INPLACE, LOCK = NONE

-- Behind the id stands what the summary reads of open tasks, then what figures are made of: read
-- from the rows, which lie where their ids say, ten thousand are as many pages of a large table.
-- MariaDB takes a name of up to 63 characters from here, of a longer one it reads the row.
-- name: index_status
ALTER TABLE {tasks} ADD INDEX `{name}_tasq_status`
  (status, created_at, id, visible_at, receive_count, max_receives, started_at, queue(64), type(64)),
  ALGORITHM = INPLACE, LOCK = NONE

-- With the time of creation a task's entry in the index above is found.
-- name: index_finished
ALTER TABLE {tasks} ADD INDEX `{name}_tasq_finished` (finished_at, id, created_at),
  ALGORITHM = INPLACE, LOCK = NONE
