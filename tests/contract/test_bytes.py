"""Large arguments and errors: statements and memory are bounded by bytes, not by rows alone."""

import threading
import time
import tracemalloc
from typing import Any

import pytest

from tasq_core import Client, Lease, Repository, Task, TaskStatus
from tasq_core.filters import parse
from tasq_core.inspector import Inspector
from tasq_core.reports import Outcome
from tasq_core.repository.batches import by_size
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.wait import wait_until

LETTERS = "\u65e5" * 5461
"""16 KB of three-byte letters, the longest error there is."""


def failure(task: Any) -> Outcome:
    return Outcome(Lease.of(task), TaskStatus.NEW, None, None, LETTERS, 60.0, False)


def test_batches_keep_the_order_and_the_limit_but_for_one_larger_item():
    assert list(by_size([3, 3, 9, 1, 2, 3], int, 6)) == [[3, 3], [9], [1, 2, 3]]
    assert list(by_size([], int, 6)) == []


def test_four_thousand_long_failures_are_recorded_at_once(repository: Repository):
    """Else their statement outgrows the server's packet, and a consumer retries it for ever."""
    repository.submit_tasks(make_tasks(4000))
    tasks = repository.poll_tasks("email", "mail", 600, limit=4000)
    outcomes = [failure(task) for task in tasks]
    assert len(repository.record_outcomes(outcomes)) == 4000
    (stored,) = repository.get_tasks([tasks[-1].id])
    assert stored.last_error == LETTERS
    assert repository.count_tasks("NEW", None, None) == 4000


def test_sizes_are_those_of_arguments_and_error(repository: Repository):
    task = repository.submit_task(make_task(args=b"x" * 3000))
    assert repository.sizes([task.id, make_task().id]) == {task.id: 3000}
    assert repository.sizes([]) == {}


@pytest.mark.slow
def test_an_export_of_large_arguments_keeps_few_of_them_in_memory(
    repository: Repository, database: Database
):
    """400 MB of arguments held as much in the program that exported them."""
    for _ in range(12):
        repository.submit_tasks([make_task(args=bytes(1_000_000)) for _ in range(5)])
    tracemalloc.start()
    try:
        assert sum(1 for _ in Inspector(repository).export()) == 60
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40e6, f"{peak / 1e6:.0f} MB for 60 MB of arguments"


@pytest.mark.slow
def test_a_purge_of_large_arguments_keeps_none_of_them_in_memory(repository: Repository):
    """1.4 GB stood in the program that purged 400 MB of arguments."""
    for _ in range(12):
        repository.submit_tasks([make_task(args=bytes(1_000_000)) for _ in range(5)])
    tracemalloc.start()
    try:
        assert Inspector(repository).purge(True) == 60
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10e6, f"{peak / 1e6:.0f} MB for 60 MB of arguments"


@pytest.mark.slow
def test_a_consumer_goes_through_thousands_of_long_failures_and_ends_when_told(
    client: Client, repository: Repository
):
    """The server hung up at each batch, it was retried for ever, and `stop` didn't end."""
    repository.submit_tasks(make_tasks(4000, max_receives=2))
    consumer = client.new_consumer(
        poll_interval=0.2, poll_limit=4000, max_active_tasks=4000, channel_size=4000,
        visibility_timeout=60, retry_backoff=300.0, queues="mail",
    )  # fmt: skip

    @consumer.handler("email")
    def fails(task: Task) -> None:
        raise ValueError(LETTERS)

    running = threading.Thread(target=lambda: consumer.run(workers=8), daemon=True)
    running.start()
    retrying = lambda: repository.count(parse("is:retrying error:ValueError*"), 4001)  # noqa: E731
    try:
        wait_until(lambda: retrying() == 4000, 180, lambda: f"{retrying()} of 4000", 0.2)
    except AssertionError:
        consumer.stop(1)
        raise
    began = time.monotonic()
    consumer.stop(10)
    assert time.monotonic() - began < 10
    running.join(30)
    assert not running.is_alive()
    assert repository.count_tasks("NEW", None, None) == 4000
