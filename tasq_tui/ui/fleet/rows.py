"""Consumers, and what they run, as rows of a view. Pure: reports and clock are given."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from tasq_core.fleet.reports import ConsumerReport
from tasq_tui.admin.fleet import failed_attempts
from tasq_tui.ui.text.formats import age, compact, count
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.rows_view import Gauge, Row, RowColumn

UNREGISTERED: Final = "unregistered"
"""The key of the row for leases that no heartbeat names."""
_LONGEST: Final = 200
_MANY_FAILED: Final = 0.05
_GLYPHS: Final = {"running": ("●", "rows--good"), "quiet": ("◐", "rows--warning"),
                  "stopping": ("◐", "rows--warning")}  # fmt: skip

COLUMNS: Final = (
    RowColumn("·", 1),
    RowColumn("name", 10, most=32),
    RowColumn("host", 8, most=24, from_width=100),
    RowColumn("state", 8, from_width=64),
    RowColumn("load", 8, from_width=90),
    RowColumn("runs", 5, right=True),
    RowColumn("done", 6, right=True),
    RowColumn("failed", 6, right=True),
    RowColumn("queues", 6, most=30, from_width=70),
    RowColumn("types", 6, most=40, from_width=130),
    RowColumn("release", 8, most=16, from_width=116),
    RowColumn("up", 6, right=True, from_width=84),
    RowColumn("heartbeat", 9, right=True),
)
RUN_COLUMNS: Final = (
    RowColumn("task", 8),
    RowColumn("type", 8, most=40),
    RowColumn("queue", 6, most=24, from_width=44),
    RowColumn("attempt", 7, right=True, from_width=40),
    RowColumn("for", 7, right=True),
)


def consumer_rows(consumers: Sequence[ConsumerReport], leased: int, now: datetime) -> list[Row]:
    """As `COLUMNS`: those that vanished last, then what no heartbeat names.

    Args:
        consumers: as the registry has them.
        leased: tasks with a running lease.
        now: the database's clock.
    """
    ordered = sorted(consumers, key=lambda found: (found.vanished, found.name, found.id))
    rows = [_row(found, now) for found in ordered]
    held = sum(len(c.in_flight) + len(c.waiting) for c in consumers if not c.vanished)
    if (others := leased - held) > 0:
        about = "(unregistered, Go?)"
        cells = ("?", about, "", "", "", f"~{compact(others)}", "", "", "", "", "", "", "")
        rows.append(Row(UNREGISTERED, cells, ("rows--muted",) * len(cells)))
    return rows


def _row(found: ConsumerReport, now: datetime) -> Row:
    failed = failed_attempts(found)
    done = found.counts.get("succeeded", 0)
    running = len(found.in_flight)
    state = "vanished" if found.vanished else safe(found.state, 20)
    glyph, tint = ("\u2716", "rows--error") if found.vanished else _GLYPHS.get(state, ("●", ""))
    queues = "all" if found.queues is None else ", ".join(name or '""' for name in found.queues)
    runs = f"{running}/{found.workers}" if found.workers else str(running)
    load: Gauge | str = Gauge(running, found.workers) if found.workers else ""
    return Row(
        found.id,
        (
            glyph, safe(found.name, _LONGEST), f"{safe(found.host, _LONGEST)}:{found.pid}", state,
            load, runs, compact(done), compact(failed), safe(queues, _LONGEST),
            safe(", ".join(found.types), _LONGEST), safe(found.release or "\u2013", _LONGEST),
            age(found.started_at, now), age(found.heartbeat_at, now),
        ),
        (
            tint, "", "rows--muted", tint, "rows--bar", "", "rows--muted",
            "rows--error" if failed > _MANY_FAILED * (failed + done) else "rows--muted", "",
            "rows--muted", "rows--muted", "rows--muted", tint if found.vanished else "rows--muted",
        ),
    )  # fmt: skip


def run_rows(found: ConsumerReport, now: datetime) -> list[Row]:
    """As `RUN_COLUMNS`, the longest running first."""
    return [
        Row(
            task.task_id,
            (
                task.task_id.hex[:8], safe(task.type, _LONGEST), safe(task.queue, 80) or '""',
                str(task.receive_count), age(task.started_at, now),
            ),
            ("rows--muted", "", "", "", "rows--error" if found.vanished else ""),
        )
        for task in sorted(found.in_flight, key=lambda task: task.started_at)
    ]  # fmt: skip


def about(found: ConsumerReport, now: datetime) -> str:
    """What there is to say of one consumer beside its row; "" if nothing."""
    if found.problem:
        return safe(found.problem, _LONGEST)
    if found.vanished:
        held = len(found.in_flight) + len(found.waiting)
        return f"vanished {age(found.heartbeat_at, now)} ago, held {count(held)}"
    if found.last_error:
        return safe(found.last_error.strip().partition("\n")[0], _LONGEST)
    waiting = len(found.waiting)
    return f"{waiting} claimed and waiting" if waiting else ""


def heading(consumers: Sequence[ConsumerReport]) -> tuple[str, str]:
    """The pane's note and its style."""
    vanished = sum(found.vanished for found in consumers)
    alive = f"{len(consumers) - vanished} alive"
    return (f"{alive} · {vanished} vanished", "$text-error") if vanished else (alive, "")


def as_id(key: object) -> UUID | None:
    """The consumer that a row's key names; None for the row of the others."""
    return key if isinstance(key, UUID) else None


def stack_lines(stacks: Sequence[Mapping[str, object]]) -> list[str]:
    """The stacks that a consumer answered, as lines; they are made inert where they are shown."""
    lines: list[str] = []
    for found in stacks:
        task = str(found.get("task_id", "")).replace("-", "")[:8]
        lines += [f"{found.get('type')} {task} for {found.get('seconds')}s"]
        lines += [*str(found.get("stack", "")).split("\n"), ""]
    return lines or ["no handler runs"]
