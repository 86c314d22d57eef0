"""A requeue that tries a few tasks first, and goes on only where these didn't fail again."""

import re
import threading
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.reports import MutationResult
from tasq_core.repository.protocol import Repository
from tasq_core.steering import change_tasks, requeued
from tasq_core.task import Task, TaskStatus
from tasq_core.wording import counted
from tasq_tui.admin.mutations import BATCH, Mutation, Progress
from tasq_tui.admin.preview import Preview
from tasq_tui.admin.trash import TrashFile
from tasq_tui.admin.wording import span

_LOOK_EVERY: Final = 0.5
_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%?", re.ASCII)
_WHOLE: Final = 100


class CanaryFailedError(TasqError):
    """Too many of those that were tried first failed; the others were left alone."""


class Canary(NamedTuple):
    """How many are tried first, and which share of them may fail."""

    size: int
    percent: float

    @property
    def flags(self) -> tuple[str, ...]:
        """The options that say the same."""
        return "--canary", str(self.size), "--stop-if-failed", f"{self.percent:g}%"


def parse_percent(option: str, text: str) -> float:
    """The percentage that `text` stands for: `10%`, `10`.

    Raises:
        InvalidInputError: it can't be read, or is above a hundred.
    """
    found = _PERCENT.fullmatch(text.strip())
    if found is None or float(found[1]) > _WHOLE:
        raise InvalidInputError(f"{option} {text!r} is not a share: write 10%, from 0% to 100%")
    return float(found[1])


def requeue(
    repository: Repository,
    seen: Preview,
    canary: Canary,
    *,
    reset: bool,
    due: Iterator[datetime],
    trash: TrashFile | None,
) -> Mutation:
    """Requeue the first few, wait for their ends, and go on with the rest.

    Raises:
        CanaryFailedError: more of the first failed than may.
    """
    statuses = seen.selection.where.statuses()
    tried: list[UUID] = []
    result = MutationResult(0, 0)

    def change(task: Task, *, is_first: bool) -> Task | None:
        if statuses is not None and task.status not in statuses:
            return None
        if is_first:
            tried.append(task.id)
            return requeued(task, reset=reset)
        return requeued(task, reset=reset, visible_at=next(due))

    ids = (id for batch in seen.selection.batches(repository, BATCH) for id in batch)
    is_first = True
    while batch := list(islice(ids, canary.size if is_first else BATCH)):
        result += change_tasks(
            repository, batch, lambda task, first=is_first: change(task, is_first=first),  # type: ignore[misc]
            keep=None if trash is None else trash.keep_swaps,
        )  # fmt: skip
        yield Progress(result.done, result.skipped, seen.total)
        if is_first:
            for note in _until_ended(repository, tried, canary, seen.total - len(batch)):
                yield Progress(result.done, result.skipped, seen.total, note)
        is_first = False
    return result


def _until_ended(
    repository: Repository, tried: list[UUID], canary: Canary, others: int
) -> Iterator[str]:
    """Notes of how far the first are, until all have ended.

    Raises:
        CanaryFailedError: too many failed.
    """
    began, pause = monotonic(), threading.Event()
    while True:
        found = repository.statuses(tried)
        failed = sum(status is TaskStatus.FAILED for status in found.values())
        waiting = sum(
            status not in (TaskStatus.FAILED, TaskStatus.SUCCESSFUL) for status in found.values()
        )
        if failed * _WHOLE > canary.percent * len(tried):
            raise CanaryFailedError(
                f"stopped: {failed} of the {counted(len(tried), 'task')} requeued first failed,"
                f" more than {canary.percent:g}%; the other {others:,} weren't requeued"
            )
        done = len(tried) - failed - waiting
        yield (
            f"first {len(tried)}: {done} done, {failed} failed, {waiting} waiting,"
            f" {span(monotonic() - began)}"
        )
        if not waiting:
            return
        pause.wait(_LOOK_EVERY)
