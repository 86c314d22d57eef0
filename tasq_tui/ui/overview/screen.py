"""The overview: how many, how healthy, how fast, and what went wrong last."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from textual import on
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tasq_core.filters import Filter
from tasq_core.reports import Health
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.task import Task, TaskStatus
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.stats import dated, is_fresh, read_kinds
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.operations.submit import submit_new
from tasq_tui.ui.operations.undo import undo
from tasq_tui.ui.overview.counts import StatusCounts
from tasq_tui.ui.overview.trend import Trend
from tasq_tui.ui.queues.rows import brief_columns, brief_rows
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.formats import age, count
from tasq_tui.ui.text.redrawing import redraw
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.rows_view import Row, RowColumn, RowsView

_FAILURES: Final = 50
_FAILED: Final = Filter.of((TaskStatus.FAILED,))
_PREVIEW: Final = 300
_LONGEST_TREND: Final = timedelta(hours=4)


class OverviewScreen(CockpitScreen):
    """Counts, health, activity, queues, types and the newest failures."""

    SCOPE: ClassVar[Scope] = Scope.OVERVIEW
    NAME: ClassVar[str] = "overview"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "#overview-queues"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._counts = StatusCounts(id="overview-counts")
        self._health = Static(id="overview-health", markup=False)
        self._trend = Trend()
        self._queues = RowsView(brief_columns("queue"), empty="no tasks", id="overview-queues")
        self._types = RowsView(brief_columns("type"), empty="no tasks", id="overview-types")
        self._failures = RowsView(
            [
                RowColumn("failed", 7, right=True),
                RowColumn("type", 14, share=2),
                RowColumn("newest failures", 20, share=5),
            ],
            empty="none",
            id="overview-failures",
        )  # fmt: skip
        self._open: tuple[Mapping[TaskStatus, int], Health] | None = None
        self._failed: Sequence[Task] = ()

    def body(self) -> Iterator[Widget]:
        """From the counts at the top to the failures at the bottom."""
        with Container(id="overview-top"):
            yield self._counts
            yield self._trend
        yield self._health
        with Container(id="overview-kinds"):
            yield self._queues
            yield self._types
        yield self._failures

    async def read(self) -> Failure | None:
        """Read what is cheap; begin to read what isn't."""
        stats = self.session.stats
        now = self.session.now()
        found = await stats.attempt(_look, stats.repository, now - self._reach())
        if isinstance(found, Failure):
            return found
        self._open, activity, self._failed = found.value
        self._trend.show(activity, now)
        self._draw(now)
        failure = await self._read_scans() if self.session.figures.finished.value is None else None
        if failure is None and not self._scans_run:
            self.run_worker(self._read_scans(), name="scan", group="scan")
        return failure

    def tick(self) -> None:
        """Let ages go on."""
        self._draw(self.session.now())

    @property
    def _scans_run(self) -> bool:
        return any(worker.group == "scan" and worker.is_running for worker in self.workers)

    def _reach(self) -> timedelta:
        return min(timedelta(minutes=self._trend.minutes), _LONGEST_TREND)

    async def _read_scans(self) -> Failure | None:
        figures, scan = self.session.figures, self.session.scan
        now = self.session.now()
        failure = await figures.finished.read(scan, now, scan.repository.finished_counts)
        if failure is None:
            self._draw(now)
            failure = await read_kinds(self.session)
        if failure is None:
            self._draw(self.session.now())
        return failure

    def _draw(self, now: datetime) -> None:
        if self._open is None:
            return
        figures = self.session.figures
        finished, at = figures.finished.value, figures.finished.at
        if finished is not None:
            counts = {**self._open[0], **finished}
            is_old = not is_fresh(at, now)
            note = f"as of {age(at, now)} ago · c counts" if is_old and at else ""
            self._counts.show(counts, approximate=is_old, note=note)
        self._show_health(self._open[1], now)
        for title, view, scan in (
            ("queue", self._queues, figures.queues),
            ("type", self._types, figures.types),
        ):
            if scan.value is not None:
                view.retitle(brief_columns(dated(title, scan.at, now)))
                view.show(brief_rows(scan.value))
        self._failures.show([_failure_row(task, now) for task in self._failed])

    def _show_health(self, health: Health, now: datetime) -> None:
        redraw(self._health, health_line(health, now))

    @on(RowsView.Activated, "#overview-queues")
    def _open_queue(self, event: RowsView.Activated) -> None:
        self.post_message(ShowTasks(str(Filter.of(queues=(str(event.key),)))))

    @on(RowsView.Activated, "#overview-types")
    def _open_type(self, event: RowsView.Activated) -> None:
        self.post_message(ShowTasks(str(Filter.of(types=(str(event.key),)))))

    @on(RowsView.Activated, "#overview-failures")
    def _open_failure(self, event: RowsView.Activated) -> None:
        if isinstance(event.key, UUID):
            self.post_message(ShowTasks(f"id:{event.key.hex}"))

    def action_recount(self) -> None:
        """Count the finished tasks again now."""
        self.session.figures.expire()
        self.poller.wake()

    def action_new(self) -> None:
        """Write a new task."""
        changer = self.cockpit.changer
        changer.begin("submit", lambda: submit_new(changer))

    def action_undo(self) -> None:
        """Restore the last deletion."""
        undo(self.cockpit.changer)


def health_line(health: Health, now: datetime) -> Content:
    """What holds the open tasks; what needs a look is coloured."""
    parts = [
        ("ready", health.ready, "$text-primary"),
        ("delayed", health.delayed, ""),
        ("leased", health.leased, ""),
        ("stale", health.stale, "$text-warning"),
        ("exhausted", health.exhausted, "$text-error"),
    ]
    shown = [
        Content.assemble(
            (f"{name} ", "$text-muted"),
            (count(number), f"bold {colour}" if number else "$text-muted"),
        )
        for name, number, colour in parts
    ]
    if health.oldest_ready is not None:
        shown.append(
            Content.assemble(
                ("oldest ready ", "$text-muted"), (age(health.oldest_ready, now), "bold")
            )
        )
    return Content("  ").join(shown)


def _look(
    repository: Repository, since: datetime
) -> tuple[
    tuple[Mapping[TaskStatus, int], Health], list[tuple[datetime, TaskStatus, int]], Sequence[Task]
]:
    return (
        repository.open_counts(),
        repository.activity(since),
        repository.page(_FAILED, PageOrder.NEWEST, None, _FAILURES, _PREVIEW),
    )


def _failure_row(task: Task, now: datetime) -> Row:
    error = (task.last_error or "").strip().partition("\n")[0]
    at = task.finished_at or task.created_at
    return Row(
        task.id, (age(at, now), safe(task.type, 200), safe(error, _PREVIEW)),
        ("rows--muted", "", "rows--error"),
    )  # fmt: skip
