"""Filter: which tasks. Terms that must all hold, each with values of which one must."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tasq_core.durations import seconds
from tasq_core.errors import InvalidInputError
from tasq_core.filters.values import Age, Moment, Name, Piece, Span, State, Value
from tasq_core.task import FINISHED_STATUSES, OPEN_STATUSES, TaskStatus, check_aware

WORD: Final = ""
"""The key of a bare word."""

_GROUP_NAMES: Final = {
    tuple(TaskStatus): "all",
    OPEN_STATUSES: "open",
    FINISHED_STATUSES: "finished",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: a value of the key is among `values`, or none is when negated."""

    key: str
    values: tuple[Value, ...]
    negated: bool = False

    def __post_init__(self) -> None:
        if not self.values:
            raise InvalidInputError(
                f"the filter's {self.key or 'word'} is empty; leave the term out for no restriction"
            )

    def __str__(self) -> str:
        sign = "-" if self.negated else ""
        return f"{sign}{self.key}:{self._list()}" if self.key else f"{sign}{self._list()}"

    def _list(self) -> str:
        if self.key == "status":
            statuses = tuple(value for value in self.values if isinstance(value, TaskStatus))
            return _GROUP_NAMES.get(statuses) or ",".join(statuses).lower()
        if self.key == WORD:
            return ",".join(
                value.as_word() if isinstance(value, Piece) else str(value) for value in self.values
            )
        return ",".join(map(str, self.values))

    @property
    def is_about_status_only(self) -> bool:
        """Whether a task's status alone decides."""
        return all(
            isinstance(value, TaskStatus) or (isinstance(value, State) and value.is_status_group)
            for value in self.values
        )

    def statuses(self) -> frozenset[TaskStatus]:
        """The statuses a task can have for which this term holds."""
        named: set[TaskStatus] = set()
        for value in self.values:
            if isinstance(value, TaskStatus):
                named.add(value)
            elif isinstance(value, State):
                named.update(value.statuses)
            else:
                return _ALL
        if not self.negated:
            return frozenset(named)
        return _ALL - named if self.is_about_status_only else _ALL


_ALL: Final = frozenset(TaskStatus)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks; an empty one matches all.

    `str(filter)` is text that `parse` reads back to an equal filter.
    """

    terms: tuple[Term, ...] = ()

    @classmethod
    def of(
        cls,
        statuses: tuple[TaskStatus, ...] | None = None,
        types: tuple[str, ...] | None = None,
        queues: tuple[str, ...] | None = None,
    ) -> "Filter":
        """Tasks whose status, type and queue are among those given; None restricts nothing.

        Raises:
            InvalidInputError: an empty tuple.
        """
        terms: list[Term] = []
        if statuses is not None:
            terms.append(Term("status", in_order(frozenset(statuses))))
        if types is not None:
            terms.append(Term("type", tuple(map(Name, types))))
        if queues is not None:
            terms.append(Term("queue", tuple(map(Name, queues))))
        return cls(tuple(terms))

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """The filter that `text` stands for; blank text matches all.

        Raises:
            FilterSyntaxError: it can't be read; says where, and what would do.
        """
        from tasq_core.filters.parser import parse  # noqa: PLC0415 - the parser makes Filters

        return parse(text)

    @classmethod
    def in_state(cls, *states: State | str) -> "Filter":
        """Tasks in one of these states, as `is:` names them, say "ready" or "stale".

        Raises:
            InvalidInputError: no state, or one that isn't known.
        """
        try:
            return cls((Term("is", tuple(map(State, states))),))
        except ValueError as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(
                f"unknown state in {states!r}: use {', '.join(State)}"
            ) from None

    @classmethod
    def created_before(cls, at: datetime | timedelta) -> "Filter":
        """Tasks created before `at`, an aware time, or longer ago than `at`.

        Raises:
            InvalidInputError: a time without a zone, or a negative age.
        """
        if isinstance(at, timedelta):
            moment: Moment = Age(seconds("created_before", at))
        else:
            moment = check_aware("created_before", at)
        return cls((Term("created", (Span(high=moment, high_open=True),)),))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __and__(self, other: "Filter") -> "Filter":
        return Filter(tuple(dict.fromkeys(self.terms + other.terms)))

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def statuses(self) -> tuple[TaskStatus, ...] | None:
        """The statuses a match can have; None is any, an empty tuple that nothing can match."""
        possible = _ALL.intersection(*(term.statuses() for term in self.terms))
        return None if possible == _ALL else in_order(possible)

    def types(self) -> tuple[str, ...] | None:
        """The types a match can have where they are named exactly; None is any."""
        return self._names("type")

    def queues(self) -> tuple[str, ...] | None:
        """The queues a match can have where they are named exactly; None is any."""
        return self._names("queue")

    def _names(self, key: str) -> tuple[str, ...] | None:
        found: tuple[str, ...] | None = None
        for term in self.terms:
            if term.key != key or term.negated:
                continue
            names = [v.text for v in term.values if isinstance(v, Name) and v.is_exact]
            if len(names) == len(term.values):
                found = tuple(names if found is None else (n for n in found if n in names))
        return found


def in_order(statuses: frozenset[TaskStatus]) -> tuple[TaskStatus, ...]:
    """`statuses` in the order a task passes through them."""
    return tuple(status for status in TaskStatus if status in statuses)
