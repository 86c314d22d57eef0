"""What the inspector takes: filters, cursors and tasks, checked."""

from datetime import datetime
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter, parse
from tasq_core.producer import as_task_id
from tasq_core.repository.protocol import PageOrder, as_page_order
from tasq_core.task import Task, check_aware


def as_filter(where: Filter | str | None) -> Filter:
    """`where` as a Filter; None matches all.

    Raises:
        FilterSyntaxError: text that can't be read.
    """
    if where is None:
        return Filter()
    return parse(where) if isinstance(where, str) else where


def restricting(where: Filter | str) -> Filter:
    """`where` as a Filter that restricts something.

    Raises:
        InvalidInputError: it matches every task: a filter that came out empty must not.
    """
    wanted = as_filter(where)
    if not wanted:
        raise InvalidInputError(
            "where= is empty, which would be every task; name what is meant, say 'status:all'"
        )
    return wanted


def place(task: Task, order: PageOrder | str) -> tuple[datetime, UUID]:
    """Where `task` stands in an order: its time and id."""
    return as_page_order(order).place(task)


def cursor(task: Task, order: PageOrder | str = PageOrder.NEWEST) -> str:
    """The cursor of the page that begins behind `task`, whichever way it is walked."""
    at, id = place(task, order)
    return f"{at.isoformat(timespec='microseconds')}/{id}"


def position(after: str) -> tuple[datetime, UUID]:
    """The place that a cursor stands for.

    Raises:
        InvalidInputError: it is not a cursor.
    """
    at, _, id = after.partition("/")
    try:
        moment = datetime.fromisoformat(at)
        return check_aware("cursor", moment), UUID(id)
    except ValueError:
        raise InvalidInputError(f"{after!r} is not a cursor; pass a page's `next`") from None


def ids_of(tasks: tuple[Task | UUID | str, ...]) -> list[UUID]:
    """The ids of tasks given as tasks, ids or text.

    Raises:
        InvalidInputError: text that is not an id.
    """
    return [task.id if isinstance(task, Task) else as_task_id(task) for task in tasks]
