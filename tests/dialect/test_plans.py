"""What a call costs with 200,000 open and 200,000 finished rows: rows looked at, not time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tasq_core import Filter, Lease, Repository, TaskStatus
from tasq_core.filters import parse
from tasq_core.reports import Outcome
from tasq_core.repository.figures_sql import FigureReader
from tasq_core.repository.side_tables import SideTables
from tests.dialect.plans import FINISHED, OPEN, delay, fill, work_of
from tests.support.builders import make_task
from tests.support.databases import BACKENDS, Database, external_url

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MIDDLE = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=OPEN // 2), UUID(int=0))
FEW = 3_000
"""Rows that a call may look at which returns few: no part of the backlog or of the history."""


# One worker fills each database, not every one.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param(backend, marks=pytest.mark.xdist_group(f"plans-{backend}"))
        for backend in BACKENDS
    ],
)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, Repository]]:
    """A database with the rows, and a repository on it. Tests leave the rows nearly as they are."""
    backend = request.param
    if backend == "sqlite":
        database = Database.in_file(tmp_path_factory.mktemp("plans") / "tasq.db")
    else:
        url = external_url(backend) or request.getfixturevalue(f"_shared_{backend}").url
        database = Database(backend, url)
    try:
        repository = database.open()
        repository.migrate()
        SideTables(repository).make()
        fill(database)
        yield database, repository
    finally:
        database.close()


def poll(types: Any, queues: Any, ordering: str = "CREATED_AT_FIRST") -> Callable[[Any], object]:
    def call(repository: Repository) -> object:
        found = repository.poll_tasks(types, queues, 3600, ordering, 10)
        assert len(found) == (0 if "nobody" in (types, queues) else 10)
        return found

    return call


def page(where: str, order: str, *, deep: bool) -> Callable[[Any], object]:
    def call(repository: Repository) -> object:
        found = repository.page(parse(where), order, MIDDLE if deep else None, 50)
        assert len(found) == 50
        return found

    return call


NEWEST = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=FINISHED - 100)
MINUTE = timedelta(minutes=1)
SEVERAL = (["email", "report", "sync"], ["mail", "bulk"])
CALLS: dict[str, Callable[[Any], object]] = {
    f"{name}, {ordering}": poll(*kinds, ordering)
    for ordering in ("CREATED_AT_FIRST", "PRIORITY_FIRST")
    for name, kinds in {
        "claim from one queue": ("email", "mail"),
        "claim from several": SEVERAL,
        "claim beside another queue's backlog": ("email", "nobody"),
        "claim beside another type's backlog": ("nobody", "mail"),
    }.items()
}
CALLS |= {
    f"page of {where or 'all'}, {order}{', deep' * deep}": page(where, order, deep=deep)
    for where in ("", "status:failed", "status:finished queue:mail", "status:open type:sync")
    for order in ("newest", "oldest")
    for deep in (False, True)
}
CALLS |= {
    f"page of {where or 'all'}, {order}{', deep' * deep}": page(where, order, deep=deep)
    for where in ("", "status:failed", "status:successful queue:mail")
    for order in ("last-finished", "first-finished")
    for deep in (False, True)
}


def leases(repository: Repository) -> list[Lease]:
    return [Lease.of(task) for task in repository.poll_tasks("thumb", "other", 3600, limit=20)]


def outcomes(repository: Repository) -> object:
    held = leases(repository)
    assert repository.ping_leases(held, 3600) == set(held)
    ends = [Outcome(lease, TaskStatus.SUCCESSFUL) for lease in held[:10]]
    assert len(repository.record_outcomes(ends)) == 10
    assert len(repository.release_leases(held[10:])) == 10
    return held


def by_id(repository: Repository) -> object:
    ids = [task.id for task in repository.page(parse("status:failed"), limit=20)]
    assert len(repository.get_tasks(ids)) == 20
    repository.ping_tasks(ids, 60)
    assert repository.requeue_tasks(ids[:5]).done == 5
    return repository.delete_tasks(ids[5:8], True)


CALLS |= {
    "pings, outcomes and releases": outcomes,
    "reads, requeues and deletions by id": by_id,
    "cleaning with nothing old enough": lambda repository: repository.clean_tasks(10**8),
    "a purge that matches little": lambda repository: repository.purge_tasks(
        "IN_PROGRESS", None, None, True
    ),
    "ids of few": lambda repository: repository.ids(parse("status:failed"), MIDDLE[0], None, 20),
    "a count up to a limit": lambda repository: repository.count(Filter(), 100),
    "timings of the newest": lambda repository: FigureReader(repository).timings(
        "type", NEWEST, NEWEST + timedelta(days=9), 50_000
    ),
    "ends and arrivals of the newest": lambda repository: (
        FigureReader(repository).ended("queue", NEWEST, NEWEST + timedelta(days=9), MINUTE, 50_000),
        FigureReader(repository).arrived("queue", NEWEST, NEWEST + timedelta(days=9), MINUTE, 9),
    ),
    "activity of an hour": lambda repository: repository.activity(
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=FINISHED - 100)
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_call_looks_at_few_rows(
    filled: tuple[Database, Repository], call: Callable[[Any], object]
):
    assert work_of(*filled, call) <= FEW


@pytest.mark.parametrize("ordering", ["CREATED_AT_FIRST", "PRIORITY_FIRST"])
def test_a_claim_of_500_pairs_probes_each_a_few_times(
    filled: tuple[Database, Repository], ordering: str
):
    queues, types = [f"queue {n}" for n in range(9)], [f"type {n}" for n in range(49)]
    call = poll(["email", *types], ["mail", *queues], ordering)
    assert work_of(*filled, call) <= FEW
    idle = poll([*types, "nobody"], "nobody", ordering)
    assert work_of(*filled, idle) <= FEW


@pytest.mark.parametrize("counts", ["open_counts", "finished_counts"])
def test_each_half_of_the_table_is_counted_by_itself(
    filled: tuple[Database, Repository], counts: str
):
    work = work_of(*filled, lambda repository: getattr(repository, counts)())
    limits = {
        "postgres": OPEN + FINISHED,  # for half of the rows it rightly reads them all in order
        "mysql": OPEN * 1.5,
        "sqlite": OPEN * 4,  # so many steps a row, of either half
    }
    assert work <= limits[filled[0].backend] + FEW


@pytest.mark.parametrize("ordering", ["CREATED_AT_FIRST", "PRIORITY_FIRST"])
def test_a_claim_of_every_kind_probes_each_once(filled: tuple[Database, Repository], ordering: str):
    database, _ = filled
    # Its own: a look at the oldest that a busy machine made slow is left out for some seconds.
    repository = database.open()
    # MySQL lists kinds by a scan, where the oldest tasks aren't the first in order.
    scans = database.backend == "mysql" and ordering == "PRIORITY_FIRST"
    limit = OPEN * 3 * scans + FEW
    assert work_of(database, repository, poll(None, None, ordering)) <= limit


# They stay, so what looks at them stands last.
@pytest.fixture(scope="module")
def delayed(filled: tuple[Database, Repository]) -> str:
    """The queue of many delayed tasks, beside which a claim looks for others."""
    delay(filled[0], "delayed")
    return "delayed"


@pytest.mark.parametrize("ordering", ["CREATED_AT_FIRST", "PRIORITY_FIRST"])
@pytest.mark.parametrize("ready", [0, 10])
@pytest.mark.parametrize("note_crashes", [False, True])
def test_delayed_and_leased_tasks_are_not_walked(
    filled: tuple[Database, Repository], delayed: str, ordering: str, ready: int, note_crashes: bool
):
    """A backlog of delayed tasks, all older, costs neither a claim nor an idle poll.

    Nor does what others hold, where a consumer's claim looks for leases that have lapsed.
    """
    database, repository = filled
    tasks = [make_task(type="email", queue=delayed) for _ in range(ready)]
    repository.submit_tasks(tasks)

    def claim(repository: Repository) -> object:
        found = repository.poll_tasks(
            "email", delayed, 3600, ordering, 10, note_crashes=note_crashes
        )
        assert len(found) == ready
        return found

    assert work_of(database, repository, claim) <= 200
    assert repository.delete_tasks([task.id for task in tasks], False).done == ready
