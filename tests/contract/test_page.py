"""Pages, scans and reads by id: each row once, in order, at any depth."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import Client, Filter, FilterSyntaxError, InvalidInputError, Repository, TaskStatus
from tasq_core.inspector_input import cursor
from tasq_core.repository import PageOrder
from tasq_core.task import Ordering, Task
from tests.support.builders import make_task

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIZES = [1, 7, 100]


def filled(repository: Repository, count: int = 60) -> list[Task]:
    """Tasks of all statuses, whose times of creation repeat; oldest first."""
    chance = random.Random(11)
    tasks = [
        make_task(
            status=chance.choice(list(TaskStatus)),
            type=chance.choice(["send", "sent", "other"]),
            queue=chance.choice(["mail", "bulk"]),
            created_at=START + timedelta(microseconds=chance.randrange(15)),
            priority=chance.randrange(5),
            finished_at=chance.choice([None, START + timedelta(microseconds=chance.randrange(9))]),
        )
        for _ in range(count)
    ]
    repository.restore_tasks(tasks)
    return sorted(tasks, key=lambda task: (task.created_at, task.id.bytes))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("order", list(PageOrder))
@pytest.mark.parametrize("where", [None, "status:failed", "status:open type:sen*", "-queue:bulk"])
def test_pages_show_each_match_once_in_order(
    client: Client, size: int, order: PageOrder, where: str | None
):
    matching = [task for task in filled(client.repository) if _matches(task, where)]
    if order.by_end:
        matching = [task for task in matching if task.finished_at]
        matching.sort(key=lambda task: (task.finished_at, task.id.bytes))
    expected = [task.id for task in (reversed(matching) if order.descends else matching)]
    shown, after = [], None
    while True:
        page = client.new_inspector().page(where, order, after, size)
        assert len(page.tasks) <= size
        shown += [task.id for task in page.tasks]
        if (after := page.next) is None:
            break
    assert shown == expected


def _matches(task: Task, where: str | None) -> bool:
    return {
        None: True,
        "status:failed": task.status is TaskStatus.FAILED,
        "status:open type:sen*": task.type != "other"
        and task.status not in (TaskStatus.FAILED, TaskStatus.SUCCESSFUL),
        "-queue:bulk": task.queue != "bulk",
    }[where]


def test_a_page_that_is_just_full_has_no_next(client: Client):
    filled(client.repository, 5)
    inspector = client.new_inspector()
    assert inspector.page(limit=5).next is None
    assert inspector.page(limit=4).next is not None
    assert inspector.page("queue:nowhere").tasks == ()


def test_a_cursor_outlives_its_row_and_turns_round(client: Client):
    tasks = filled(client.repository, 9)
    inspector = client.new_inspector()
    middle = cursor(tasks[4])
    inspector.delete(False, tasks[4])
    older = inspector.page(order="newest", after=middle).tasks
    newer = inspector.page(order="oldest", after=middle).tasks
    assert [task.id for task in older] == [task.id for task in reversed(tasks[:4])]
    assert [task.id for task in newer] == [task.id for task in tasks[5:]]


def test_tasks_submitted_meanwhile_dont_shift_the_pages(client: Client):
    tasks = filled(client.repository, 10)
    inspector = client.new_inspector()
    first = inspector.page(limit=5)
    client.repository.submit_task(make_task())
    second = inspector.page(after=first.next, limit=5)
    assert [task.id for task in first.tasks + second.tasks] == [task.id for task in reversed(tasks)]


@pytest.mark.parametrize("id", [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID(int=7)])
@pytest.mark.parametrize("created", [START, datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)])
def test_edge_ids_and_times_are_shown(repository: Repository, id: uuid.UUID, created: datetime):
    repository.restore_tasks([make_task(id=id, created_at=created, finished_at=created)])
    for order in PageOrder:
        assert [task.id for task in repository.page(Filter(), order)] == [id]


def test_a_preview_cuts_args_and_error_but_nothing_else(repository: Repository):
    task = make_task(args=b"\x00\xff" * 50, status=TaskStatus.FAILED, last_error="é" * 50)
    repository.restore_tasks([task])
    (cut,) = repository.page(Filter(), preview=5)
    assert (cut.args, cut.last_error) == (task.args[:5], "é" * 5)
    cut.args, cut.last_error = task.args, task.last_error
    assert cut == task
    assert repository.page(Filter()) == [task]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_rows_asked_for_are_no_rows(repository: Repository, limit: int):
    filled(repository, 3)
    assert repository.page(Filter(), limit=limit) == []
    assert repository.ids(Filter(), limit=limit) == []
    assert repository.scan_tasks(None, None, None, limit=limit) == []


def test_ids_walk_oldest_first_up_to_a_time(repository: Repository):
    tasks = filled(repository)
    until = START + timedelta(microseconds=7)
    expected = [(t.created_at, t.id) for t in tasks if t.created_at <= until]
    found: list[tuple[datetime, uuid.UUID]] = []
    while batch := repository.ids(Filter(), until, found[-1] if found else None, 8):
        found += batch
    assert found == expected


@pytest.mark.parametrize("ordering", list(Ordering))
def test_a_scan_is_ordered_limited_and_claims_nothing(repository: Repository, ordering: Ordering):
    tasks = filled(repository)
    by_priority = ordering is Ordering.PRIORITY_FIRST

    def key(task: Task) -> tuple[object, ...]:
        first = (-task.priority, task.created_at)
        return (*(first if by_priority else first[::-1]), task.id.bytes)

    statuses = ["NEW", TaskStatus.FAILED]
    expected = [t for t in sorted(tasks, key=key) if t.status in statuses and t.queue == "mail"]
    assert repository.scan_tasks(statuses, None, "mail", ordering, 1000) == expected
    assert repository.scan_tasks(statuses, None, ["mail"], ordering, 3) == expected[:3]
    assert (
        repository.scan_tasks("new", ["sent"], None, ordering)
        == [t for t in sorted(tasks, key=key) if t.status == "NEW" and t.type == "sent"][:10]
    )


def test_reads_by_id_keep_the_order_asked_for(repository: Repository):
    tasks = filled(repository, 5)
    ids = [tasks[3].id, uuid.uuid4(), tasks[0].id, tasks[3].id]
    assert [task.id for task in repository.get_tasks(ids)] == [tasks[3].id, tasks[0].id]
    many = [uuid.uuid4() for _ in range(5000)] + [tasks[1].id]
    assert [task.id for task in repository.get_tasks(many)] == [tasks[1].id]


@pytest.mark.parametrize(
    "after", ["", "x", "2026-01-02", f"yesterday/{uuid.UUID(int=7)}", "2026-01-02/"]
)
def test_a_cursor_that_is_none_is_refused(client: Client, after: str):
    with pytest.raises(InvalidInputError, match="cursor"):
        client.new_inspector().page(after=after)


def test_an_unknown_order_or_filter_is_refused(client: Client):
    with pytest.raises(InvalidInputError, match=r"sideways.*newest"):
        client.new_inspector().page(order="sideways")
    with pytest.raises(FilterSyntaxError):
        client.new_inspector().page("colour:red")
