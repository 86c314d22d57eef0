"""From a verb's arguments to the tasks they mean. Nothing given never means everything."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter, parse
from tasq_core.filters.model import Term
from tasq_core.filters.values import Age, Span
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.task import TaskStatus, TaskStatusGroup, as_status, get_task_statuses
from tasq_tui.admin.selection import Selection, select_ids, select_where
from tasq_tui.cli.durations import age
from tasq_tui.cli.streams import input_lines

_HOW = "give ids, - for ids on standard input, --where or another filter, or --all"


@dataclass(frozen=True, slots=True)
class Choice:
    """The selecting arguments of a verb, as given."""

    ids: list[str] | None = None
    where: str | None = None
    statuses: list[str] | None = None
    queues: list[str] | None = None
    types: list[str] | None = None
    older_than: str | None = None
    everything: bool = False
    limit: int | None = None
    order: str | None = None

    @property
    def page_order(self) -> PageOrder:
        """Which tasks come first.

        Raises:
            InvalidInputError: no such order.
        """
        try:
            return PageOrder(self.order or PageOrder.NEWEST)
        except ValueError:
            known = ", ".join(PageOrder)
            raise InvalidInputError(f"--order {self.order!r}: use one of {known}") from None

    def check(self) -> None:
        """Refuse what can't select tasks, before a database is opened or an id is read.

        Raises:
            FilterSyntaxError: `--where` can't be read.
            InvalidInputError: nothing was given, or things that exclude each other.
        """
        _ = self.page_order
        if not self.ids:
            self.filter_or_all()
        elif self.asked_filter is not None or self.everything or self.limit is not None:
            raise InvalidInputError("give ids or a filter, not both")

    @property
    def names_ids(self) -> bool:
        """Whether the tasks are named by id."""
        return bool(self.ids)

    @property
    def asked_ids(self) -> list[str] | None:
        """The ids, those on standard input among them; None where none were asked for.

        Raises:
            InvalidInputError: given together with a filter.
        """
        if not self.ids:
            return None
        self.check()
        return [id for given in self.ids for id in (_from_stdin() if given == "-" else [given])]

    @property
    def asked_filter(self) -> Filter | None:
        """The filter of all options together; None where none was given.

        Raises:
            FilterSyntaxError: `--where` can't be read.
            InvalidInputError: an option that can't be used, or an empty `--where`.
        """
        if self.where is not None and not self.where.strip():
            raise InvalidInputError("--where is empty; use --all if all tasks are meant")
        parts = [
            Filter() if self.where is None else parse(self.where),
            Filter.of(named_statuses(self.statuses), _names(self.types), _names(self.queues)),
        ]
        if self.older_than is not None:
            seconds = int(age("--older-than", self.older_than).total_seconds())
            parts.append(Filter((Term("created", (Span(high=Age(seconds)),)),)))
        asked = Filter(tuple(term for part in parts for term in part.terms))
        if asked and self.everything:
            raise InvalidInputError("--all means all tasks; leave it out, or the filter")
        return asked or None

    def selection(self, repository: Repository) -> Selection:
        """The tasks meant, frozen now.

        Raises:
            InvalidInputError: nothing was given, or things that exclude each other.
            TaskNotFoundError: the beginning of an id that no task has.
        """
        ids = self.asked_ids
        if ids is not None:
            return select_ids(repository, ids)
        return select_where(repository, self.filter_or_all(), self.limit or None, self.page_order)

    def filter_or_all(self) -> Filter:
        """The filter given, or with `--all` the one that matches all.

        Raises:
            InvalidInputError: neither.
        """
        asked = self.asked_filter
        if asked is None and not self.everything:
            raise InvalidInputError(f"which tasks? {_HOW}")
        return asked or Filter()


def _from_stdin() -> Iterator[str]:
    for line in input_lines():
        yield from line.split()


def _names(given: list[str] | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(given)) if given else None


def named_statuses(given: list[str] | None) -> tuple[TaskStatus, ...] | None:
    """The statuses that names, groups and lists of them stand for; None for none given.

    Raises:
        InvalidInputError: no such status.
    """
    if not given:
        return None
    found: list[TaskStatus] = []
    for name in (part.strip() for text in given for part in text.split(",")):
        if name.upper() in TaskStatusGroup.__members__:
            found += get_task_statuses(name.upper())
        else:
            found.append(as_status(name.replace("-", "_")))
    return tuple(dict.fromkeys(found))
