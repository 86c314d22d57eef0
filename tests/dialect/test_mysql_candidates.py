"""Which tasks a claim of many queues and types finds on MySQL and MariaDB, and in which order."""

import itertools
import random
from datetime import timedelta
from typing import Any

import pytest

from tasq_core import Ordering, Repository, Task, TaskStatus
from tasq_core.errors import RepositoryError
from tasq_core.repository import mysql_nearest
from tasq_core.repository.mysql import MySQLRepository
from tasq_core.repository.mysql_session import MySQLSession
from tasq_core.repository.rows import in_order
from tasq_core.task import IMMEDIATELY
from tests.support.builders import make_task
from tests.support.databases import Database

pytestmark = pytest.mark.parametrize("backend", ["mysql"], indirect=True)

QUEUES = [f"queue {n}" for n in range(5)]
TYPES = [f"type {n}" for n in range(6)]
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("collation", ["utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci"])
@pytest.mark.parametrize("ordering", list(Ordering))
def test_the_order_is_the_same_whatever_the_connection_s_collation(
    repository: Repository, database: Database, ordering: Ordering, collation: str
):
    """Claims ended with tasks left where punctuation sorts first: on MySQL, since MariaDB 11.5."""
    chance = random.Random(3)
    types, start = [f"type {n}" for n in range(40)], repository.now() - HOUR
    tasks = [
        make_task(
            type=chance.choice(types), queue=chance.choice(QUEUES),
            priority=chance.randrange(3), created_at=start + timedelta(seconds=n // 2),
        )
        for n in range(400)
    ]  # fmt: skip
    repository.submit_tasks(tasks)
    connection = database.connect(autocommit=True)
    connection.cursor().execute(f"SET NAMES utf8mb4 COLLATE {collation}")
    borrowed = MySQLRepository(connection, prefix=database.prefix)
    got: list[Task] = []
    while batch := borrowed.poll_tasks(types, QUEUES, 60, ordering, 90):
        got += batch
    assert list(map(key(ordering), got)) == sorted(map(key(ordering), tasks))


@pytest.mark.parametrize("ordering", list(Ordering))
def test_a_task_without_a_date_is_due_among_many_pairs_too(
    repository: Repository, database: Database, ordering: Ordering
):
    """One written by hand with a zero date would wait until nobody asks for a second type."""
    task = repository.submit_task(make_task(queue=QUEUES[2], type=TYPES[3]))
    database.execute("SET SESSION sql_mode = ''")
    database.execute(f"UPDATE {database.table} SET visible_at = '0000-00-00 00:00:00'")

    found = repository.poll_tasks(TYPES, QUEUES, 30, ordering)

    assert [one.id for one in found] == [task.id]


def test_what_is_claimed_before_a_failed_list_of_pairs_reaches_its_consumer(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """They would be leased to nobody, and each lose an attempt."""
    wanted = [repository.submit_task(make_task(type="wanted")) for _ in range(3)]
    repository.submit_tasks([make_task(type="other") for _ in range(300)])

    def refused(_: object) -> None:
        raise RepositoryError("the server refused the list")

    monkeypatch.setattr(repository, "_list_pairs", refused)

    found = repository.poll_tasks(["wanted"], None, 30)

    assert {task.id for task in found} == {task.id for task in wanted}


def key(ordering: Ordering) -> Any:
    if ordering is Ordering.PRIORITY_FIRST:
        return lambda task: (-task.priority, task.created_at)
    return lambda task: (task.created_at, -task.priority)


def crowd(repository: Repository, seed: int) -> list[Task]:
    """Open tasks whose times repeat and cross: ready, delayed, due again, leased, lapsed."""
    chance = random.Random(seed)
    now = repository.now()
    states = {
        "ready": (TaskStatus.NEW, IMMEDIATELY),
        "delayed": (TaskStatus.NEW, now + HOUR),
        "due": (TaskStatus.NEW, now - HOUR),
        "leased": (TaskStatus.ENQUEUED, now + HOUR),
        "dropped": (TaskStatus.ENQUEUED, now - HOUR),
        "broken": (TaskStatus.IN_PROGRESS, now - HOUR),
    }
    tasks = []
    for _ in range(150):
        status, visible_at = states[chance.choice([*states, "ready", "ready"])]
        task = make_task(
            queue=chance.choice([*QUEUES, "Queue 0", "other"]), type=chance.choice([*TYPES, "x"]),
            priority=chance.randrange(-1, 2), status=status, visible_at=visible_at,
            created_at=now - HOUR + timedelta(seconds=chance.randrange(20)),
        )  # fmt: skip
        tasks.append(task)
    repository.restore_tasks(tasks)
    return [task for task in tasks if task.visible_at <= now]


@pytest.fixture(params=[1, 20, 200])
def _near(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How little is looked through before pairs are probed."""
    monkeypatch.setattr(mysql_nearest, "_NEAR", request.param)
    monkeypatch.setattr(mysql_nearest, "_SPARE", 0)


@pytest.mark.usefixtures("_near")
@pytest.mark.parametrize("queues", [QUEUES, None], ids=["named", "any"])
@pytest.mark.parametrize("ordering", list(Ordering))
def test_however_little_is_looked_through_claims_find_all_in_order(
    repository: Repository, database: Database, ordering: Ordering, queues: list[str] | None
):
    """What the look at the nearest tasks leaves out comes later, or never."""
    for seed in range(3):
        expected = [
            task
            for task in in_order(crowd(repository, seed), ordering)
            if task.type in TYPES and (queues is None or task.queue in queues)
        ]
        got: list[Task] = []
        while batch := repository.poll_tasks(TYPES, queues, 3600, ordering, 4):
            got += batch

        assert list(map(key(ordering), got)) == list(map(key(ordering), expected))
        assert {task.id for task in got} == {task.id for task in expected}
        database.execute(f"DELETE FROM {database.table}")


class Statements:
    """What one thread sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[str] = []
        rows = MySQLSession.rows

        def noting(session: MySQLSession, sql: str, params: Any) -> Any:
            self.sent.append(sql)
            return rows(session, sql, params)

        monkeypatch.setattr(MySQLSession, "rows", noting)

    def those_with(self, words: str) -> int:
        return sum(words in sql for sql in self.sent)


def test_a_claim_of_any_queue_neither_lists_nor_probes_pairs(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """A list of 50,000 pairs takes a quarter of a second, a probe of 500 of them 3 ms."""
    repository.submit_tasks(make_task(queue=f"queue {n}") for n in range(600))
    sent = Statements(monkeypatch)

    found = repository.poll_tasks("email", None, 30)

    assert [task.queue for task in found] == [f"queue {n}" for n in range(10)]
    assert sent.those_with("DISTINCT") == sent.those_with("JSON_TABLE") == 0


def test_an_idle_poll_of_any_queue_beside_delayed_tasks_lists_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """It would read all of them, as often as one percent of the time allows."""
    later = repository.now() + HOUR
    repository.submit_tasks(make_task(queue=f"queue {n}", visible_at=later) for n in range(300))
    sent = Statements(monkeypatch)

    assert repository.poll_tasks(None, None, 30) == []
    assert len(sent.sent) <= 4  # three of them about the table and the server, once


def test_tasks_of_others_that_came_first_are_looked_through_once_a_second(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """Each claim beside a backlog of others' would read two hundred rows for nothing."""
    repository.submit_tasks(make_task(queue="other") for _ in range(300))
    repository.submit_tasks(make_task(queue=QUEUES[n % 3]) for n in range(40))
    sent = Statements(monkeypatch)

    for _ in range(3):
        assert len(repository.poll_tasks("email", QUEUES, 30)) == 10

    assert sent.those_with("AS near") <= 2
    assert sent.those_with("JSON_TABLE") == 3


def test_oldest_tasks_that_take_long_to_read_are_left_alone_for_a_while(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """Beside a snapshot left open each claim would pass all that others claimed since."""
    repository.submit_tasks(make_task(queue=QUEUES[n % 3]) for n in range(60))
    clock = itertools.count()
    monkeypatch.setattr(mysql_nearest, "monotonic", lambda: 1000.0 + next(clock))
    sent = Statements(monkeypatch)

    for _ in range(3):
        assert len(repository.poll_tasks("email", QUEUES, 30)) == 10

    assert sent.those_with("AS near") == 1


def test_a_claim_skips_paused_queues_though_their_tasks_come_first(repository: Repository):
    """What is paused would be claimed by a consumer of any queue."""
    repository.submit_tasks(make_task(queue="paused") for _ in range(30))
    repository.submit_tasks(make_task(queue="open") for _ in range(30))

    found = repository.poll_tasks(None, None, 30, skip_queues=["paused"])

    assert [task.queue for task in found] == ["open"] * 10
