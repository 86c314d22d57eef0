"""Our consumers beside Go's on MariaDB, where Go's process dies of a deadlock."""

import json
import signal
import sys
from collections import Counter
from threading import Event

import pytest

from tests.contract.rows import make_go_table
from tests.reliability.fleet import Fleet
from tests.support.databases import Database

TASKS, AT_ONCE, EVERY = 3000, 10, 0.03
LEASE = {"visibility_timeout": 15, "poll_interval": 0.05}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_go_consumers_beside_ours_are_no_deadlocks_victims(
    database: Database, start_process, start_worker, outcome
):
    """63 Go consumers died of ours in four short runs; ours retry theirs unseen."""
    make_go_table(database)
    fleet = Fleet(database, start_worker)
    program = (sys.executable, "-m", "tests.support.go_consumer", database.url, database.table)
    theirs = [start_process(*program) for _ in range(2)]
    ours = [fleet.start(threads=10, options=LEASE) for _ in range(2)]
    for _ in range(TASKS // AT_ONCE):
        fleet.submit_many(AT_ONCE)
        Event().wait(EVERY)  # so that consumers run dry, and look for exhausted tasks, often
    fleet.wait_for_count(TASKS, "SUCCESSFUL")
    for worker in ours:
        worker.stop()
    counts: Counter[str] = Counter()
    for consumer in theirs:
        consumer.signal(signal.SIGTERM)
        assert consumer.wait(30) == 0, consumer.stderr
        counts += Counter(json.loads(consumer.stdout.splitlines()[-1]))
    hit = {name: count for name, count in counts.items() if name.startswith("deadlocks")}
    fatal = {name for name in hit if name != "deadlocks in poll"}  # Go logs those, and goes on
    assert not fatal, counts
    outcome(f"{TASKS} tasks, {counts['finished']} by Go's statements, deadlocks there: {hit or 0}")
