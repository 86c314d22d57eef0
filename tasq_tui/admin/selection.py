"""Selection: which tasks a change is about, frozen at the moment it is shown.

A task created after that moment is never touched, and a filter's ages ("older than two
hours") stay what they were, so that what is done is what was counted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tasq_core.errors import InvalidInputError, TaskNotFoundError
from tasq_core.filters import Filter
from tasq_core.filters.model import Term
from tasq_core.filters.values import Age, IdPrefix, Moment, Span, Value
from tasq_core.repository.batches import id_batches
from tasq_core.repository.protocol import PageOrder, Repository

_DIGITS: Final = frozenset("0123456789abcdef")
_WHOLE_ID: Final = 32
_PAGE: Final = 1000
_GLANCE: Final = 1
"""Bytes of arguments and characters of errors that an id needs."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Tasks by their ids, or by a filter; which of the two, `ids` tells."""

    until: datetime
    """When it was frozen, by the database's clock."""
    asked: Filter
    """The filter as the user gave it; empty for ids, and for all tasks."""
    where: Filter
    """The same with its ages fixed and nothing created after `until`."""
    ids: tuple[UUID, ...] | None = None
    """Exactly these; None where the filter decides."""
    limit: int | None = None
    """The first so many of the filter in `order`; what they are is in `ids`."""
    order: PageOrder = PageOrder.NEWEST
    """Which come first where `limit` cuts."""

    @property
    def is_everything(self) -> bool:
        """Whether it was asked for without any restriction."""
        return self.ids is None and not self.asked

    def batches(self, repository: Repository, size: int) -> Iterator[list[UUID]]:
        """The ids, at most `size` at a time: each row once, even where it goes on to match."""
        if self.ids is not None:
            for start in range(0, len(self.ids), size):
                yield list(self.ids[start : start + size])
            return
        after = None
        while found := repository.ids(self.where, self.until, after, size):
            yield [id for _, id in found]
            after = found[-1]

    def sized_batches(self, repository: Repository, size: int) -> Iterator[list[UUID]]:
        """The ids, as `batches` gives them, fewer at a time where their tasks are large."""
        for ids in self.batches(repository, size):
            yield from id_batches(repository, ids)


def select_where(
    repository: Repository,
    asked: Filter,
    limit: int | None = None,
    order: PageOrder = PageOrder.NEWEST,
) -> Selection:
    """The tasks that match `asked` now; an empty filter is all of them.

    Args:
        repository: where they are.
        asked: the filter.
        limit: only the first so many.
        order: which come first; ties by id. By the end, tasks without one are left out.
    """
    now = repository.now()
    where = frozen(asked, now)
    selection = Selection(now, asked, where, order=order)
    if limit is None:
        return selection
    ids: list[UUID] = []
    after = None
    while left := limit - len(ids):
        page = repository.page(where, order, after, min(left, _PAGE), _GLANCE)
        ids += [task.id for task in page]
        if len(page) < min(left, _PAGE):
            break
        after = order.place(page[-1])
    return replace(selection, ids=tuple(ids), limit=limit)


def select_ids(repository: Repository, texts: Iterable[str | UUID]) -> Selection:
    """The tasks with these ids or unique beginnings of ids.

    Whole ids aren't looked up: a preview tells how many of them exist.

    Raises:
        InvalidInputError: no id, or a beginning that several ids share.
        TaskNotFoundError: a beginning that no id has.
    """
    found: dict[UUID, None] = {}
    for text in dict.fromkeys(str(text) for text in texts):
        digits = _digits(text)
        found[
            UUID(digits) if len(digits) == _WHOLE_ID else _with_prefix(repository, text, digits)
        ] = None
    return Selection(repository.now(), Filter(), Filter(), ids=tuple(found))


def frozen(asked: Filter, now: datetime) -> Filter:
    """`asked` with its ages as times before `now`, and nothing created after `now`."""
    terms = [
        replace(term, values=tuple(_fixed(value, now) for value in term.values))
        for term in asked.terms
    ]
    return Filter((*terms, Term("created", (Span(high=now),))))


def _fixed(value: Value, now: datetime) -> Value:
    if not isinstance(value, Span):
        return value
    return replace(value, low=_at(value.low, now), high=_at(value.high, now))


def _at(moment: Moment | None, now: datetime) -> Moment | None:
    return now - timedelta(seconds=moment.seconds) if isinstance(moment, Age) else moment


def _digits(text: str) -> str:
    digits = text.strip().replace("-", "").lower()
    if not digits or len(digits) > _WHOLE_ID or not set(digits) <= _DIGITS:
        raise InvalidInputError(
            f"{text!r} is not a task id: give its hexadecimal digits, or the first few of them;"
            " to select by a filter use --where"
        )
    return digits


def _with_prefix(repository: Repository, text: str, digits: str) -> UUID:
    """The one id that begins with `digits`."""
    found = repository.page(Filter((Term("id", (IdPrefix(digits),)),)), limit=2)
    if len(found) > 1:
        raise InvalidInputError(
            f"{text!r} is the beginning of several ids ({found[0].id}, {found[1].id}, …);"
            " give more digits"
        )
    if not found:
        raise TaskNotFoundError(f"no task's id begins with {text!r}", [text])
    return found[0].id
