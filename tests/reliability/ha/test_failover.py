"""A standby takes over under load: what was acknowledged is there, consumers go on by themselves."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import pytest

from tasq_core import RepositoryError, RepositoryUnavailableError, open_repository
from tests.reliability.fleet import Fleet
from tests.support import require
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.servers import PostgresServer, ServerUnavailableError
from tests.support.standby import PostgresStandby, log_position, streaming_pair, synchronous_pair
from tests.support.wait import wait_until

pytestmark = pytest.mark.timeout(400)

SUBMITS = int(os.environ.get("TASQ_TEST_FAILOVER_SUBMITS", "8000"))
PRODUCERS = 4
BATCH = 10
LONG = {"visibility_timeout": 60, "poll_interval": 0.2}
"""Leases outlast the failover, so that a task that runs twice is a fault."""


@dataclass
class Acknowledged:
    """A task whose submit returned, and where the primary's log stood around it."""

    id: UUID
    before: int
    after: int
    at: float


class Load:
    """Producers that submit one by one and in batches until told to end, and note what returned."""

    def __init__(self, pair: "Pair", *, with_positions: bool) -> None:
        self._pair = pair
        self._with_positions = with_positions
        self._stop = threading.Event()
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[RepositoryError] = []
        self._threads = [
            threading.Thread(target=self._produce, args=(BATCH if number == 0 else 1,))
            for number in range(PRODUCERS)
        ]
        for thread in self._threads:
            thread.start()

    def _produce(self, size: int) -> None:
        table = open_repository(self._pair.url, self._pair.prefix, pool_size=1)
        watch = Database("postgres", self._pair.primary.url) if self._with_positions else None
        while not self._stop.is_set():
            tasks = [make_task(type="work", queue="", args=b'{"do": "sleep", "seconds": 0}')
                     for _ in range(size)]  # fmt: skip
            before = _position(watch)
            try:
                table.submit_task(tasks[0]) if size == 1 else table.submit_tasks(tasks)
            except RepositoryUnavailableError as error:
                self.refused.append(error)
                self._stop.wait(0.02)
                continue
            after, now = _position(watch), time.time()
            self.acknowledged.extend(Acknowledged(task.id, before, after, now) for task in tasks)
        table.close()

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self.acknowledged) >= count, 180, lambda: str(self.refused[-1:]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the producers end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def _position(watch: Database | None) -> int:
    """Where the log of the primary stands; 0 where nobody asks, endless where it is gone."""
    if watch is None:
        return 0
    try:
        return log_position(watch.execute("SELECT pg_current_wal_insert_lsn()")[0][0])
    except Exception:
        return 1 << 64


@dataclass
class Pair:
    """A primary, its standby, workers on a table of theirs."""

    primary: PostgresServer
    standby: PostgresStandby
    fleet: Fleet
    prefix: str = "pair"

    @property
    def url(self) -> str:
        return self.standby.url_of_pair()

    def runs(self) -> dict[str, list[float]]:
        """When each task's handler was called."""
        moments: dict[str, list[float]] = {}
        for event in self.fleet.events("began"):
            moments.setdefault(event["task"], []).append(event["at"])
        return moments

    def stored(self) -> set[UUID]:
        return {
            row.id for row in self.fleet.repository.scan_tasks(None, None, None, limit=10_000_000)
        }

    def fail_over(self, load: Load) -> tuple[float, float]:
        """Kill the primary and promote; seconds until a submit returned, and until a task ran."""
        self.primary.kill()
        self.standby.promote()
        promoted, count = time.time(), len(load.acknowledged)
        wait_until(lambda: len(load.acknowledged) > count, 60, self.fleet.said)
        again = load.acknowledged[-1].at - promoted
        wait_until(lambda: self.fleet.events("began")[-1]["at"] > promoted, 60, self.fleet.said)
        first = min(e["at"] for e in self.fleet.events("began") if e["at"] > promoted)
        return max(0.0, again), first - promoted


@contextmanager
def pair_of(kind: Callable[..., Any], start_worker: Callable[..., Any]) -> Iterator[Pair]:
    try:
        with kind() as (primary, standby):
            database = Database("postgres", standby.url_of_pair(), "pair")
            pair = Pair(primary, standby, Fleet(database, start_worker))
            try:
                yield pair
            finally:
                database.close_connections()
    except ServerUnavailableError as error:
        require.missing("postgres", str(error))


def test_a_synchronous_standby_that_takes_over_has_all_that_was_acknowledged(start_worker, outcome):
    with pair_of(synchronous_pair, start_worker) as pair:
        workers = [pair.fleet.start(threads=4, options=LONG) for _ in range(2)]
        with Load(pair, with_positions=False) as load:
            load.wait_for(SUBMITS // 2)
            submit_again, run_again = pair.fail_over(load)
            load.wait_for(SUBMITS)
        acknowledged = {str(one.id) for one in load.acknowledged}
        pair.fleet.wait_for_count(0, "NEW", "ENQUEUED", "IN_PROGRESS", timeout=180)
        for worker in workers:
            worker.stop()
        lost = acknowledged - {str(id) for id in pair.stored()}
        runs = {task: len(moments) for task, moments in pair.runs().items()}
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged tasks are lost"
        assert len(acknowledged) >= SUBMITS
        assert acknowledged <= set(runs)
        assert Counter(runs.values()).keys() == {1}
        outcome(
            f"{len(acknowledged)} acknowledged, {len(load.refused)} submits refused meanwhile:"
            f" 0 lost, each ran once; after the promotion submits went on in {submit_again:.1f} s,"
            f" tasks in {run_again:.1f} s"
        )


def test_what_an_asynchronous_standby_lacks_is_what_it_had_not_received(start_worker, outcome):
    with pair_of(streaming_pair, start_worker) as pair:
        workers = [pair.fleet.start(threads=4, options=LONG) for _ in range(2)]
        with Load(pair, with_positions=True) as load:
            load.wait_for(SUBMITS // 4)
            pair.standby.freeze_stream()
            frozen, count = time.time(), len(load.acknowledged)
            load.wait_for(count + 200)
            pair.primary.kill()
            position = pair.standby.position()
            submit_again, run_again = pair.fail_over(load)
            load.wait_for(SUBMITS // 2)
        pair.fleet.wait_for_count(0, "NEW", "ENQUEUED", "IN_PROGRESS", timeout=180)
        for worker in workers:
            worker.stop()
        stored = pair.stored()
        lost = [one for one in load.acknowledged if one.id not in stored]
        kept = [one for one in load.acknowledged if one.id in stored]
        runs = pair.runs()
        assert lost, "nothing was lost: the test shows nothing"
        assert [one for one in lost if one.after <= position] == []
        # One whose submit the kill cut off, and the standby took, has no position behind it.
        of_the_old = [one for one in kept if one.after < 1 << 64]
        assert [one for one in of_the_old if position <= one.before] == []
        assert {str(one.id) for one in kept} <= set(runs)
        twice = [moments for moments in runs.values() if len(moments) > 1]
        # Their outcomes, written within a moment of their runs, were behind that position too.
        assert [moments for moments in twice if moments[0] < frozen - 2] == []
        outcome(
            f"{len(load.acknowledged)} acknowledged, {len(lost)} lost: all and only those written"
            f" behind byte {position} of the log, which the standby had received; {len(twice)} ran"
            f" again; submits went on in {submit_again:.1f} s, tasks in {run_again:.1f} s"
        )
