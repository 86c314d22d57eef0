"""tasq stats, tasq errors."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final

import typer

from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter
from tasq_core.reports import BreakdownRow, ErrorGroup, Summary
from tasq_core.task import TaskStatus
from tasq_core.transfer import iso
from tasq_core.wording import counted
from tasq_tui.admin.wording import span
from tasq_tui.cli import diagnostics, options, output
from tasq_tui.cli.connection import Connection, connected
from tasq_tui.cli.durations import age
from tasq_tui.cli.formats import Format, RowFormat
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.output import Column, Shape
from tasq_tui.cli.selection_options import NarrowingCommand, choice_of
from tasq_tui.cli.timings import write_timings

app = verb_app()


@app.command("stats", cls=VerbCommand)
def stats(
    context: typer.Context,
    *,
    by: Annotated[
        str | None, typer.Option(metavar="queue|type", help="Count each queue or type.")
    ] = None,
    timings: Annotated[
        bool, typer.Option("--timings", help="How long tasks waited and ran; rates and backlog.")
    ] = False,
    since: Annotated[
        str, typer.Option(metavar="DURATION", help="With --timings: of those that ended since.")
    ] = "1h",
    watch: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="Again and again.")
    ] = None,
    form: options.RowOutput = RowFormat.TABLE,
    as_json: options.AsJson = False,
) -> int:
    """Count tasks by status, exactly, and tell what holds the open ones.

    Examples:
      tasq stats
      tasq stats --by queue -o csv
      tasq stats --by type --timings --since 24h
      tasq stats --watch 2
    """
    chosen = options.chosen(form, as_json)
    if by not in (None, "queue", "type"):
        raise InvalidInputError(f"--by {by!r}: use queue or type")
    window = age("--since", since)
    with connected(context.obj) as connection:
        show = partial(_timings, connection, window) if timings else partial(_stats, connection)
        show(by, chosen)
        while watch is not None:
            output.flush()
            threading.Event().wait(watch)
            if chosen is Format.TABLE:
                output.clear_screen()
            show(by, chosen)
    return diagnostics.ExitCode.DONE


def _stats(connection: Connection, by: str | None, form: Format) -> None:
    if by is not None:
        output.rows(_breakdown_shape(by), connection.inspector.breakdown(by), form)
        return
    summary = connection.inspector.summary()
    record = summary_record(summary)
    match form:
        case Format.TABLE:
            output.text(*_summary_lines(summary))
        case Format.JSON:
            output.document(record)
        case _:
            flat = {**record["counts"], **record["groups"], **record["health"]}
            output.rows(Shape((), tuple(flat), _itself), [flat], form)


def _timings(connection: Connection, since: timedelta, by: str | None, form: Format) -> None:
    write_timings(connection.inspector, by, since, form)


def _itself(row: dict[str, Any]) -> dict[str, Any]:
    return row


def summary_record(summary: Summary) -> dict[str, Any]:
    """The summary as JSON has it."""
    health = summary.health
    return {
        "taken_at": iso(summary.taken_at),
        "counts": {status.value: summary.counts.get(status, 0) for status in TaskStatus},
        "groups": {"ALL": summary.total, "OPEN": summary.open, "FINISHED": summary.finished},
        "health": {
            "ready": health.ready,
            "delayed": health.delayed,
            "leased": health.leased,
            "stale": health.stale,
            "exhausted": health.exhausted,
            "oldest_ready": iso(health.oldest_ready),
        },
    }


def _summary_lines(summary: Summary) -> Iterator[str]:
    counts, health = summary.counts, summary.health
    width = max(len(f"{summary.total:,}"), 7)
    for status in TaskStatus:
        yield f"{status.value:<12}{counts.get(status, 0):>{width},}"
    for name, count in (
        ("open", summary.open), ("finished", summary.finished), ("all", summary.total),
    ):  # fmt: skip
        yield f"{name:<12}{count:>{width},}"
    yield ""
    waited = "" if health.oldest_ready is None else _waited(health.oldest_ready, summary.taken_at)
    for name, count, about in (
        ("ready", health.ready, waited),
        ("delayed", health.delayed, ""),
        ("leased", health.leased, ""),
        ("stale", health.stale, "lease ended, consumer gone or stuck" if health.stale else ""),
        ("exhausted", health.exhausted, "no attempts left" if health.exhausted else ""),
    ):
        yield f"{name:<12}{count:>{width},}{'  ' if about else ''}{about}"


def _waited(oldest: datetime, now: datetime) -> str:
    return f"the oldest for {span(now - oldest)}"


_DROPPED: Final = {TaskStatus.ENQUEUED: 4, TaskStatus.SUCCESSFUL: 3, TaskStatus.IN_PROGRESS: 2}
"""Statuses that leave a narrow terminal, highest first; new and failed ones stay."""


def _breakdown_shape(by: str) -> Shape[BreakdownRow]:
    def count(status: TaskStatus) -> Column[BreakdownRow]:
        return Column(
            status.value, lambda row: f"{row.counts.get(status, 0):,}", right=True,
            drop=_DROPPED.get(status, 0),
        )  # fmt: skip

    def record(row: BreakdownRow) -> dict[str, Any]:
        counts = {status.value: row.counts.get(status, 0) for status in TaskStatus}
        return {by: row.name, **counts, "total": row.total}

    columns: tuple[Column[BreakdownRow], ...] = (
        Column(by.upper(), lambda row: row.name or '""', gives_way=True),
        *map(count, TaskStatus),
        Column("TOTAL", lambda row: f"{row.total:,}", right=True, drop=1),
    )
    return Shape(columns, (by, *(status.value for status in TaskStatus), "total"), record)


@app.command("errors", cls=NarrowingCommand)
def errors(
    context: typer.Context,
    *,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="Look at the newest N failures.")
    ] = 10_000,
    retrying: Annotated[
        bool, typer.Option("--retrying", help="Also tasks that failed and will run again.")
    ] = False,
    form: options.Output = Format.TABLE,
    as_json: options.AsJson = False,
) -> int:
    """Group failures by message, whose ids, numbers and quoted values are left out.

    With -o ids: the ids of all failures looked at, for `tasq requeue -`.

    Examples:
      tasq errors --queue mail
      tasq errors --where 'finished:<1h' --json
    """
    form = options.chosen(form, as_json)
    where = choice_of(context).asked_filter or Filter()
    with connected(context.obj) as connection:
        groups = connection.inspector.errors(where, limit, retrying=retrying)
        failed = where & Filter.of((TaskStatus.FAILED,))
        read = sum(group.count for group in groups)
        total = connection.inspector.count(where=failed) if read >= limit else read
        now = connection.repository.now()
    if form is Format.IDS:
        output.raw(str(id) for group in groups for id in group.task_ids)
        return diagnostics.ExitCode.DONE
    output.rows(_errors_shape(now), groups, form)
    if total > limit:
        diagnostics.note(
            f"the newest {limit:,} of {counted(total, 'failure')} were looked at;"
            " --limit looks at more"
        )
    return diagnostics.ExitCode.DONE


def _errors_shape(now: datetime) -> Shape[ErrorGroup]:
    def record(group: ErrorGroup) -> dict[str, Any]:
        return {
            "message": group.message,
            "count": group.count,
            "first_seen": iso(group.first_seen),
            "last_seen": iso(group.last_seen),
            "types": list(group.types),
            "sample_id": str(group.sample_id),
        }

    columns: tuple[Column[ErrorGroup], ...] = (
        Column("COUNT", lambda group: f"{group.count:,}", right=True),
        Column("LAST", lambda group: span(now - group.last_seen), right=True),
        Column("FIRST", lambda group: span(now - group.first_seen), right=True, drop=2),
        Column("TYPES", lambda group: ",".join(group.types), gives_way=True, drop=1),
        Column("SAMPLE", lambda group: str(group.sample_id)[:13], drop=3),
        Column("MESSAGE", lambda group: group.message, gives_way=True),
    )
    fields = ("message", "count", "first_seen", "last_seen", "types", "sample_id")
    return Shape(columns, fields, record)
