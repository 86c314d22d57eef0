"""The overview: what needs somebody, how many, how fast, where, and what fails most."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, cast

from textual import on
from textual.containers import Horizontal
from textual.events import DescendantBlur, DescendantFocus, Resize
from textual.widget import Widget

from tasq_core.errors import TableMissingError
from tasq_core.filters import Filter
from tasq_core.reports import Health
from tasq_core.repository.protocol import Repository
from tasq_core.task import OPEN_STATUSES, TaskStatus
from tasq_core.wording import plural
from tasq_tui.admin.failures import TREND_BUCKETS
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.stats import (
    dated,
    is_fresh,
    read_breakdown,
    read_errors,
    read_health,
    read_paces,
)
from tasq_tui.ui.errors.group_filter import filter_of
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.operations.submit import submit_new
from tasq_tui.ui.operations.undo import undo
from tasq_tui.ui.overview.chart import EndedChart
from tasq_tui.ui.overview.ended import TAIL, Ended, Minute
from tasq_tui.ui.overview.first_steps import FirstSteps
from tasq_tui.ui.overview.tiles import Tile, Tiles
from tasq_tui.ui.overview.verdict import (
    COLUMNS,
    TEXT,
    Line,
    all_well,
    facts,
    heading,
    is_late,
    line_rows,
    lines_of,
)
from tasq_tui.ui.queues.pace import pace_by_name
from tasq_tui.ui.queues.rows import FAILING_SHARE, brief_columns, brief_rows
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.bars import trend
from tasq_tui.ui.text.formats import age, compact, count
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.header import SCREENS
from tasq_tui.ui.widgets.pane import Pane
from tasq_tui.ui.widgets.rows_view import Row, RowColumn, RowsView

HUGE: Final = 180
"""Columns from which queues and types stand side by side."""
ROOMY: Final = 50
"""Lines from which more findings are shown at once."""
_FINDINGS: Final = {"narrow": 2, "wide": 4, "roomy": 8}
"""Findings that are shown at once, if that takes at most a fifth of the screen."""
_FINDING_ROWS: Final = 3
"""Rows of a finding where all don't fit; the one under the cursor is read to its end."""
_LATELY: Final = timedelta(minutes=5)
_HOUR: Final = timedelta(hours=1)


class OverviewScreen(CockpitScreen):
    """The answer, then the evidence."""

    SCOPE: ClassVar[Scope] = Scope.OVERVIEW
    NAME: ClassVar[str] = "overview"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "#overview-queues"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._verdict = RowsView(COLUMNS, titled=False, id="overview-verdict")
        self._health = Pane(self._verdict, title="Health", id="overview-health")
        self._tiles = Tiles(id="overview-tiles")
        self._chart = EndedChart()
        self._ended = Pane(self._chart, title="Ended per minute", id="overview-ended")
        self._errors = RowsView(
            [
                RowColumn("count", 6, right=True),
                RowColumn("24h", TREND_BUCKETS // 2, from_width=38),
                RowColumn("message", 20, share=1),
                RowColumn("last", 6, right=True),
            ],
            empty="no failures",
            id="overview-errors",
        )  # fmt: skip
        self._failing = Pane(self._errors, title="Failing most", id="overview-failing")
        self._queues = RowsView(brief_columns("queue"), empty="no tasks", id="overview-queues")
        self._queue_pane = Pane(self._queues, title="Queues", id="overview-queue-pane")
        self._types = RowsView(brief_columns("type"), empty="no tasks", id="overview-types")
        self._type_pane = Pane(self._types, title="Types", id="overview-type-pane")
        self._steps = FirstSteps(session)
        self._open: tuple[Mapping[TaskStatus, int], Health] | None = None
        self._minutes = Ended()
        self._lines: Sequence[Line] = ()

    def body(self) -> Iterator[Widget]:
        """From the verdict at the top to the queues at the bottom."""
        yield self._health
        yield self._tiles
        yield self._steps
        with Horizontal(id="overview-evidence"):
            yield self._ended
            yield self._failing
        with Horizontal(id="overview-breakdown"):
            yield self._queue_pane
            yield self._type_pane

    def on_resize(self, event: Resize) -> None:
        """Show types beside the queues where there is room, and all else in the new width."""
        self.set_class(event.size.width >= HUGE, "-huge")
        self.call_after_refresh(self.tick)

    async def read(self) -> Failure | None:
        """Read what is cheap; begin to read what isn't."""
        stats = self.session.stats
        now = self.session.now()
        since = now - TAIL
        found = await stats.attempt(_look, stats.repository, since)
        if isinstance(found, Failure):
            return found
        self._open, tail = found.value
        self._minutes.update(tail, since)
        self._draw(now)
        failure = await self._read_scans() if self.session.figures.finished.value is None else None
        if failure is None and not self._scans_run:
            self.run_worker(self._scan(), name="scan", group="scan")
        return failure

    def tick(self) -> None:
        """Let ages go on."""
        self._draw(self.session.now())

    @property
    def _scans_run(self) -> bool:
        return any(worker.group == "scan" and worker.is_running for worker in self.workers)

    async def _scan(self) -> None:
        """Read all that isn't cheap; health last, for it takes the longest."""
        if await self._read_scans() is None:
            await read_health(self.session)
            self._draw(self.session.now())

    async def _read_scans(self) -> Failure | None:
        figures, scan = self.session.figures, self.session.scan
        now = self.session.now()
        failure = await figures.finished.read(scan, now, scan.repository.finished_counts)
        if failure is None:
            self._draw(now)
            failure = await self._read_ended(now)
        if failure is None:
            failure = await read_breakdown(self.session)
        if failure is None:
            self._draw(self.session.now())
            failure = await read_paces(self.session) or await read_errors(self.session)
        if failure is None:
            self._draw(self.session.now())
        return failure

    async def _read_ended(self, now: datetime) -> Failure | None:
        ended, scan = self.session.figures.ended, self.session.scan
        before = ended.value
        failure = await ended.read(scan, now, scan.repository.activity, now - self._chart.span)
        if failure is None and ended.value is not None and ended.value is not before:
            self._minutes.replace(ended.value)
        return failure

    def _draw(self, now: datetime) -> None:
        if self._open is None:
            return
        counts, health = self._open
        figures = self.session.figures
        finished, at = figures.finished.value, figures.finished.at
        is_old = finished is None or not is_fresh(at, now)
        total = sum(counts.get(s, 0) for s in OPEN_STATUSES) + sum((finished or {}).values())
        self._show_verdict(health, total, now)
        self._tiles.show(self._figures(counts, health, now))
        self._chart.show(self._minutes.minutes, now)
        self._title_chart()
        note = f"{count(total, approximate=is_old)} {plural(total, 'task')}"
        if is_old and at is not None:
            note += f", as of {age(at, now)} ago · c counts"
        self._queue_pane.entitle("Queues", note if finished is not None else "counting…")
        self._show_first(finished is not None and not total, is_missing=False)
        for kind, view, scan, pace in (
            ("queue", self._queues, figures.queues, figures.queue_pace),
            ("type", self._types, figures.types, figures.type_pace),
        ):
            if scan.value is not None:
                paused = figures.paused(kind)
                view.show(brief_rows(scan.value, pace_by_name(pace.value), now, paused))
        if figures.types.value is not None:
            self._type_pane.entitle("Types", str(len(figures.types.value)))
        if (failures := figures.errors.value) is not None:
            groups = sorted(failures.groups, key=lambda group: -group.count)
            self._failing.entitle("Failing most", f"{count(failures.failed)} failed")
            self._errors.show(
                [
                    Row(
                        group.message,
                        (
                            compact(group.count),
                            trend(_halved(failures.trends.get(group.message, ()))),
                            safe(group.message),
                            age(group.last_seen, now),
                        ),
                        ("", "rows--warning", "rows--error", "rows--muted"),
                    )
                    for group in groups
                ]
            )

    def show_failure(self, failure: Failure | None) -> None:
        """As every screen does; a missing table is said to be made first."""
        super().show_failure(failure)
        if failure is not None and isinstance(failure.error, TableMissingError):
            self._show_first(True, is_missing=True)

    def _show_first(self, shown: bool, *, is_missing: bool) -> None:
        if shown:
            self._steps.show(is_missing=is_missing)
        self.set_class(shown, "-first")
        self.set_class(shown and is_missing, "-missing")

    def _title_chart(self) -> None:
        self._ended.entitle(self._chart.title, self._chart.note)

    def _figures(
        self, counts: Mapping[TaskStatus, int], health: Health, now: datetime
    ) -> list[Tile]:
        lately, hour = self._minutes.since(now - _LATELY), self._minutes.since(now - _HOUR)
        is_small = self.has_class("-narrow")
        shown = compact if is_small else count
        oldest = age(health.oldest_ready, now)
        failing = lately.failed_share
        tiles = [
            Tile("ready", shown(health.ready)),
            Tile("oldest", oldest, "$text-warning" if is_late(health, now) else ""),
            Tile("running", shown(counts.get(TaskStatus.IN_PROGRESS, 0))),
            Tile("delayed", shown(health.delayed)),
            Tile("lapsed", shown(health.stale), "$text-warning" if health.stale else ""),
            Tile("failing", f"{failing:.0%}", "$text-error" if failing > FAILING_SHARE else ""),
        ]
        if not is_small:
            consumers = self.session.figures.consumers.value or ()
            gone = sum(consumer.vanished for consumer in consumers)
            alive = f"{len(consumers) - gone}" + (f" · {gone}\u2716" if gone else "")
            tiles += [
                Tile("done 1h", shown(hour.done)),
                Tile("failed 1h", shown(hour.failed)),
                Tile("consumers", alive, "$text-error" if gone else ""),
            ]
        return tiles

    def _show_verdict(self, health: Health, total: int, now: datetime) -> None:
        lately, hour = self._minutes.since(now - _LATELY), self._minutes.since(now - _HOUR)
        judged = self.session.figures.verdict
        found = facts(health, lately, now) if judged.value is None else lines_of(judged.value)
        self._lines = found or [all_well(hour, total)]
        note, style = heading(self._lines)
        note = f"{note} by the counts" if judged.value is None else dated(note, judged.at, now)
        self._health.entitle("Health", note, style)
        self._show_lines()

    def _show_lines(self) -> None:
        """Show the verdict's lines, each cut where that makes room for another."""
        lines, room = self._lines, self._verdict.room(TEXT)
        roomy = "roomy" if self.size.height >= ROOMY else "wide"
        most = _FINDINGS["narrow" if self.has_class("-narrow") else roomy]
        height = max(most, self.size.height // 5)
        each, whole = 0, None
        if len(line_rows(lines, room)) > height:
            each = height if len(lines) == 1 else min(_FINDING_ROWS, height - 1)
            current = self._verdict.current
            if self._verdict.has_focus and current is not None:
                whole, _ = cast("tuple[int, int]", current)
                own = len(line_rows(lines[whole : whole + 1], room))
                height = max(height, min(own, self.size.height // 3))
        self._verdict.show(line_rows(lines, room, each, whole))
        rows = len(line_rows(lines[:most], room, each, whole))
        height = min(rows, height) + 2
        if self._health.styles.height is None or self._health.styles.height.value != height:
            self._health.styles.height = height

    @on(RowsView.CursorMoved, "#overview-verdict")
    @on(DescendantFocus, "#overview-verdict")
    @on(DescendantBlur, "#overview-verdict")
    def _unfold(self) -> None:
        if self._lines:
            self._show_lines()

    @on(RowsView.Activated, "#overview-verdict")
    async def _open_finding(self, event: RowsView.Activated) -> None:
        place, _ = cast("tuple[int, int]", event.key)
        line = self._lines[place]
        if line.where:
            self.post_message(ShowTasks(line.where))
        elif line.screen in SCREENS:
            await self.cockpit.action_go(line.screen)

    @on(RowsView.Activated, "#overview-queues")
    def _open_queue(self, event: RowsView.Activated) -> None:
        self.post_message(ShowTasks(str(Filter.of(queues=(str(event.key),)))))

    @on(RowsView.Activated, "#overview-types")
    def _open_type(self, event: RowsView.Activated) -> None:
        self.post_message(ShowTasks(str(Filter.of(types=(str(event.key),)))))

    @on(RowsView.Activated, "#overview-errors")
    def _open_group(self, event: RowsView.Activated) -> None:
        failures = self.session.figures.errors.value
        for group in failures.groups if failures else ():
            if group.message == event.key:
                self.post_message(ShowTasks(str(filter_of(group))))

    def action_range(self, by: int) -> None:
        """Show a longer range in the chart, or a shorter one."""
        if self._chart.step(by):
            self.session.figures.ended.expire()
            self._title_chart()
            self.poller.wake()

    def action_recount(self) -> None:
        """Count the finished tasks again now."""
        self.session.figures.expire()
        self.poller.wake()

    def action_new(self) -> None:
        """Write a new task."""
        changer = self.cockpit.changer
        changer.begin("submit", lambda: submit_new(changer))

    def action_undo(self) -> None:
        """Undo the last change."""
        undo(self.cockpit.changer)


def _halved(buckets: Sequence[int]) -> Sequence[int]:
    """Two of them as one each: a trend takes less room here than among the errors."""
    return [sum(buckets[at : at + 2]) for at in range(0, len(buckets), 2)]


def _look(
    repository: Repository, since: datetime
) -> tuple[tuple[Mapping[TaskStatus, int], Health], list[Minute]]:
    return repository.open_counts(), repository.activity(since)
