"""Calls cut off by Ctrl-C or by what a signal handler raises: the next call is right."""

import gc
import itertools
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tasq_core import Client, Repository, RepositoryError
from tests.contract.rows import raw_id
from tests.contract.test_connections import over
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database

TORN = 150
LENDING = ("connection_pool.", "mysql_driver.", "postgres_driver.", "postgres_scope.")


class AlarmError(Exception):
    """What a program's signal handler raises to end a call."""


@contextmanager
def cut_off(seconds: float, error: type[BaseException]) -> Iterator[None]:
    """Raise `error` in this thread after so many seconds, once, unless the block ends before."""
    armed = True

    def handler(*_: object) -> None:
        if armed:
            raise error

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def call_at(number: int, repository: Repository, known: list[Any]) -> object:
    """One of several calls, each with an answer of its own."""
    kind = number % 4
    if kind == 0:
        return repository.get_tasks([known[number % len(known)].id])
    if kind == 1:
        return repository.count_tasks(None, "never", None)
    if kind == 2:
        return repository.submit_tasks(make_tasks(3, type="torn"))
    return repository.poll_tasks("torn", "mail", 300, limit=2)


# Raised within a destructor it is only printed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("error", [KeyboardInterrupt, AlarmError])
def test_after_a_call_torn_at_a_random_moment_every_answer_is_the_asked_one(
    database: Database, error: type[BaseException]
):
    """A connection out of step answers with the torn call's rows; a file stays locked."""
    repository = database.open(pool_size=2) if database.backend != "sqlite" else database.open()
    repository.migrate()
    known = make_tasks(8, type="known")
    repository.submit_tasks(known)
    other = database.open()
    typical = _seconds(repository, known)
    chance = random.Random(7)
    torn, kept = 0, []  # a program may keep what it caught: nothing may hang on that
    for number in range(TORN):
        try:
            with cut_off(chance.uniform(0.00002, typical * 1.2), error):
                call_at(number, repository, known)
        except error as caught:
            torn += 1
            kept.append(caught)
        wanted = known[(number * 3) % len(known)]
        assert repository.get_tasks([wanted.id]) == [wanted]
        assert repository.count_tasks(None, "known", None) == len(known)
        other.submit_task(make_task(type="other"))
        assert other.count_tasks(None, "other", None) == number + 1
        assert repository.count_tasks(None, "other", None) == number + 1
    assert torn > TORN / 10
    kept.clear()
    gc.collect()  # what a driver's destructor raises belongs here, not to a later test


class Tear:
    """Raises once, at the nth step through the code that lends and takes back connections."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self, frame: FrameType, event: str, arg: object) -> "Tear | None":
        del arg
        if not Path(frame.f_code.co_filename).name.startswith(LENDING):
            return None
        self.left -= 1
        if self.left == 0:
            raise AlarmError(f"{event} of {frame.f_code.co_name}, line {frame.f_lineno}")
        return self


@contextmanager
def torn_at(step: int) -> Iterator[Tear]:
    tear, before = Tear(step), sys.gettrace()
    sys.settrace(tear)
    try:
        yield tear
    finally:
        sys.settrace(before)


# On its way to or from the pool a connection may be in nobody's hands: its destructor warns.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
@pytest.mark.parametrize("number", range(4), ids=["get", "count", "submit", "claim"])
def test_a_call_torn_at_any_step_costs_no_place_in_the_pool(
    repository: Repository, database: Database, number: int
):
    """After as many such calls as the pool has places, every further one would fail."""
    known = repository.submit_task(make_task(type="known"))
    mine = database.open(pool_size=1, connect_timeout=2)
    kept: list[Any] = []
    for step in itertools.count(1):
        assert mine.get_tasks([known.id]) == [known], kept[-1:]
        try:
            with torn_at(step) as tear:
                call_at(number, mine, [known] * 4)
        except AlarmError as caught:
            kept.append(caught)
        if tear.left > 0:  # the call has fewer steps
            break
    assert len(kept) > 20
    kept.clear()
    gc.collect()


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
@pytest.mark.parametrize("error", [KeyboardInterrupt, AlarmError])
def test_a_call_torn_while_the_server_works_costs_its_connection_only(
    repository: Repository, database: Database, error: type[BaseException]
):
    """The pool would hand the connection on, whose next answer is the torn call's."""
    known = repository.submit_task(make_task(type="known"))
    for _ in range(12):  # more often than the pool has connections
        with pytest.raises(error):
            _wait_for_a_lock(repository, database, repository, error)
        assert repository.get_tasks([known.id]) == [known]


def _seconds(repository: Repository, known: list[Any]) -> float:
    began = time.perf_counter()
    for number in range(40):
        call_at(number, repository, known)
    return (time.perf_counter() - began) / 40


def test_a_torn_transaction_leaves_nothing_half_done(database: Database):
    """Else half of a batch is stored, and a program that submits it again stores it twice."""
    repository = database.open()
    repository.migrate()

    def tasks() -> Iterator[Any]:
        yield from make_tasks(2)
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            repository.submit_tasks(tasks())
    assert repository.count_tasks(None, None, None) == 0
    assert repository.submit_tasks(make_tasks(2)) == 2


@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_a_torn_call_on_the_callers_connection_closes_it(
    repository: Repository, database: Database
):
    """Its next answer would be the torn call's: an error is better than another's rows."""
    connection = database.connect(autocommit=True)
    mine = over(database, connection)
    with pytest.raises(KeyboardInterrupt):
        _wait_for_a_lock(repository, database, mine, KeyboardInterrupt)
    with pytest.raises(RepositoryError):
        mine.count_tasks(None, None, None)


def _wait_for_a_lock(
    repository: Repository, database: Database, mine: Repository, error: type[BaseException]
) -> None:
    """Let `mine` wait for a locked row until it is cut off."""
    task = repository.submit_task(make_task())
    blocker = database.connect()
    id = raw_id(database, task.id)
    blocker.cursor().execute(f"SELECT id FROM {database.table} WHERE id = %s FOR UPDATE", [id])
    try:
        with cut_off(0.1, error):
            mine.delete_tasks([task.id], False)
    finally:
        blocker.rollback()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_torn_write_unlocks_the_file(client: Client, database: Database):
    """A transaction left open refuses every other program's writes until this one ends."""
    with pytest.raises(AlarmError) as caught:
        client.new_producer().submit_many(_rows_that_fail())
    assert caught.value.__traceback__ is not None  # held, as a program that logs it would
    with sqlite3.connect(database.url.removeprefix("sqlite:///"), timeout=0) as beside:
        beside.execute("BEGIN IMMEDIATE")


def _rows_that_fail() -> Iterator[Any]:
    yield make_task()
    raise AlarmError
