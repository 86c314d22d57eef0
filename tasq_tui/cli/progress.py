"""Runs a change to its end: a bar on a terminal, and a stop after the batch on Ctrl+C."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Final

from tasq_tui.admin.mutations import Progress
from tasq_tui.admin.operation import Operation, Outcome
from tasq_tui.cli import diagnostics

_BAR: Final = 24
_REFRESH_SECONDS: Final = 0.1


def run(operation: Operation) -> Outcome:
    """Run a change. Ctrl+C ends it after the batch that runs; a second one at once."""
    bar = _Bar(operation.change.verb.name)
    with interruptible() as interrupted:

        def watch(progress: Progress) -> bool:
            bar.show(progress)
            return not interrupted()

        try:
            return operation.run(watch)
        finally:
            bar.clear()


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Note SIGINT and SIGTERM instead of being torn out of a batch; the second one tears."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler
        noted.append(number)
        if len(noted) > 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(noted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Bar:
    """A line of progress on a terminal; nothing elsewhere."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._visible = diagnostics.is_terminal()
        self._last = 0.0
        self._began = monotonic()

    def show(self, progress: Progress) -> None:
        """Show how far it is, ten times a second at most."""
        now = monotonic()
        if not self._visible or now - self._last < _REFRESH_SECONDS:
            return
        self._last = now
        if progress.note:
            diagnostics.status(f"{self._verb} {progress.done:,}  {progress.note}")
            return
        worked = progress.done + progress.skipped
        rate = worked / max(now - self._began, 0.001)
        if not progress.total:
            diagnostics.status(f"{self._verb} {worked:,}  {rate:,.0f}/s")
            return
        share = min(worked / progress.total, 1.0)
        bar = ("#" * round(share * _BAR)).ljust(_BAR, ".")
        diagnostics.status(f"{self._verb} [{bar}] {worked:,} of {progress.total:,}  {rate:,.0f}/s")

    def clear(self) -> None:
        """Leave the line empty."""
        if self._visible and self._last:
            diagnostics.status("")
