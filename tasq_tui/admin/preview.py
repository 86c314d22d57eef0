"""Preview: what a change would do, counted before anything is touched, and how to ask."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from tasq_core.filters import Filter
from tasq_core.filters.model import Term
from tasq_core.filters.values import Span, State
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.steering import is_leased
from tasq_core.task import FINISHED_STATUSES, OPEN_STATUSES, Task, TaskStatus
from tasq_core.wording import counted
from tasq_tui.admin.selection import Selection
from tasq_tui.admin.settings import Settings

SAMPLE: Final = 5
FEW: Final = 10
"""Up to here a plain question will do."""
MANY: Final = 1000
"""From here on the number must be typed."""

_PREVIEW_BYTES: Final = 400
_LEASED: Final = Filter((Term("is", (State.LEASED,)),))


class Verb(NamedTuple):
    """A kind of change, as people and the rules of confirmation know it."""

    name: str
    """As in `tasq delete`."""
    past: str
    """As in "deleted 5"."""
    effect: str = ""
    """What the name leaves out, as in "requeue 5 tasks from zero"."""
    skips: str = "leased"
    """Why it leaves tasks alone."""
    loses_rows: bool = False
    """Whether the rows are gone afterwards."""
    is_harmless: bool = False
    """Whether one task needs no question."""
    is_typed: bool = False
    """Whether the number must be typed however small it is."""
    open_only: bool = False
    """Whether finished tasks are left alone."""
    takes_leased: bool = False
    """Whether tasks that a consumer holds are changed, too."""
    is_idempotent: bool = False
    """Whether a task that was skipped is as it should be."""


class Confirmation(StrEnum):
    """How a change is asked about, by its size and risk."""

    NONE = "none"
    YES_NO = "yes_no"
    """A question, No by default."""
    DIALOG = "dialog"
    """Count, filter and sample are shown; Cancel has the focus."""
    TYPE_TO_CONFIRM = "type_to_confirm"
    """The count, or the profile's name, must be typed."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What `verb` would do to `selection`."""

    verb: Verb
    selection: Selection
    count: int
    by_status: Mapping[TaskStatus, int] = field(default_factory=dict)
    leased: int = 0
    """Held by a consumer now; they are skipped."""
    gone: int = 0
    """Ids that were asked for and don't exist."""
    later: int = 0
    """Match, but claim to be created after the selection was frozen: left alone."""
    sample: tuple[Task, ...] = ()
    confirmation: Confirmation = Confirmation.NONE
    word: str = ""
    """What must be typed where the confirmation is `TYPE_TO_CONFIRM`."""

    @property
    def total(self) -> int:
        """How many tasks the change goes through."""
        return self.count + self.gone

    @property
    def title(self) -> str:
        """As in "delete 5 tasks"."""
        return f"{self.verb.name} {counted(self.count, 'task')}{self.verb.effect}"

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """Which tasks, a name and a value each; not sanitized."""
        selection = self.selection
        if selection.is_everything:
            yield "filter", "none: ALL tasks"
        elif selection.asked:
            yield "filter", str(selection.asked)
        if selection.ids:
            yield "chosen", f"{len(selection.ids):,} by id"

    @property
    def notes(self) -> list[str]:
        """What of the selection won't be changed, and why."""
        return [
            f"{count:,} {about}"
            for count, about in (
                (self.leased, f"held by a consumer now, {self._leased_fate}"),
                (self._finished, "finished, skipped"),
                (self.gone, "not found"),
                (self.later, "created after the selection was frozen, left alone"),
            )
            if count
        ]

    @property
    def _leased_fate(self) -> str:
        return "whose run is ended" if self.verb.takes_leased else "skipped"

    @property
    def _finished(self) -> int:
        """Those that are left alone because they have ended."""
        if not self.verb.open_only:
            return 0
        return sum(self.by_status.get(status, 0) for status in FINISHED_STATUSES)


def target_text(settings: Settings) -> str:
    """The database as a person is asked about it: profile, URL, prefix; no password."""
    profile = f"{settings.profile} · " if settings.profile else ""
    prefix = f", prefix {settings.prefix}" if settings.prefix else ""
    return f"{profile}{settings.redacted_url}{prefix}"


def preview(
    repository: Repository, verb: Verb, selection: Selection, settings: Settings
) -> Preview:
    """Count what `verb` would do to `selection`."""
    if selection.ids is None:
        by_status, leased, later, sample = _of_filter(repository, selection)
    else:
        by_status, leased, sample = _of_ids(repository, selection)
        later = 0
    count = sum(by_status.values())
    gone = 0 if selection.ids is None else len(selection.ids) - count
    return Preview(
        verb=verb,
        selection=selection,
        count=count,
        by_status=by_status,
        leased=leased,
        gone=gone,
        later=later,
        sample=sample,
        confirmation=confirmation_for(verb, count, selection, ask_always=settings.confirm),
        word=settings.profile or str(count),
    )


def confirmation_for(
    verb: Verb, count: int, selection: Selection, *, ask_always: bool = False
) -> Confirmation:
    """How to ask before `verb` changes `count` tasks."""
    if not count:
        return Confirmation.NONE
    if verb.is_typed or count >= MANY or selection.is_everything:
        return Confirmation.TYPE_TO_CONFIRM
    if count > FEW:
        return Confirmation.DIALOG
    is_free = verb.is_harmless and count == 1 and not ask_always
    return Confirmation.NONE if is_free else Confirmation.YES_NO


def _of_filter(
    repository: Repository, selection: Selection
) -> tuple[dict[TaskStatus, int], int, int, tuple[Task, ...]]:
    where = selection.where
    statuses = where.statuses()
    possible = tuple(TaskStatus) if statuses is None else statuses
    by_status = {
        status: count
        for status in possible
        if (count := repository.count(where & Filter.of((status,))))
    }
    is_leasable = any(by_status.get(status) for status in OPEN_STATUSES)
    leased = repository.count(where & _LEASED) if is_leasable else 0
    sample = repository.page(where, PageOrder.NEWEST, None, SAMPLE, _PREVIEW_BYTES)
    return by_status, leased, _later(repository, selection), tuple(sample)


def _later(repository: Repository, selection: Selection) -> int:
    """Tasks that match and seem to come from the future: a producer's clock is ahead."""
    newest = repository.page(selection.asked, PageOrder.NEWEST, None, 1, 1)
    if not newest or newest[0].created_at <= selection.until:
        return 0
    return repository.count(selection.asked & _created_after(selection.until), MANY)


def _created_after(moment: datetime) -> Filter:
    return Filter((Term("created", (Span(low=moment, low_open=True),)),))


def _of_ids(
    repository: Repository, selection: Selection
) -> tuple[dict[TaskStatus, int], int, tuple[Task, ...]]:
    counts: dict[TaskStatus, int] = {}
    leased = 0
    sample: list[Task] = []
    for batch in selection.sized_batches(repository, 500):
        for task in repository.get_tasks(batch):
            counts[task.status] = counts.get(task.status, 0) + 1
            leased += is_leased(task, selection.until)
            if len(sample) < SAMPLE:
                sample.append(task)
    return (
        {status: counts[status] for status in TaskStatus if status in counts},
        leased,
        tuple(sample),
    )
