"""tasq requeue, delete, purge, clean."""

from typing import Annotated

import typer

from tasq_core.cleaner import DEFAULT_AGE_SECONDS
from tasq_core.durations import parse_duration
from tasq_core.errors import InvalidInputError
from tasq_core.task import FINISHED_STATUSES
from tasq_tui.admin import changes
from tasq_tui.admin.canary import Canary, parse_percent
from tasq_tui.admin.mutations import finished_before
from tasq_tui.cli import options
from tasq_tui.cli.durations import age
from tasq_tui.cli.operation import Asked, carry_out
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.selection import named_statuses
from tasq_tui.cli.selection_options import FilteringCommand, SelectionCommand, checked_choice

app = verb_app()

IncludeLeased = Annotated[
    bool, typer.Option("--include-leased", help="Also tasks that a consumer holds right now.")
]


@app.command("requeue", cls=SelectionCommand)
def requeue_tasks(
    context: typer.Context,
    *,
    reset: Annotated[
        bool,
        typer.Option(
            "--reset", help="Retry from zero: set the attempts to 0, and forget the outcome."
        ),
    ] = False,
    spread: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="Let them fall due evenly over so long, the last at its end."
        ),
    ] = None,
    first: Annotated[
        int | None,
        typer.Option(
            "--canary", min=1, metavar="N", help="Requeue N first, and wait for their ends."
        ),
    ] = None,
    stop_if_failed: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="With --canary: stop where more of them fail; 10%."),
    ] = None,
    no_trash: options.NoTrash = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> int:
    """Make tasks NEW again, ready at once. Those that a consumer holds are skipped.

    A task that used up its attempts gets exactly one more. Tasks created after the count was
    shown are never touched.

    Examples:
      tasq requeue 3f2a9c
      tasq requeue --where 'status:failed error:timeout' --yes
      tasq requeue --where 'status:failed type:webhook' --spread 10m
      tasq requeue --where 'status:failed type:webhook' --canary 20 --stop-if-failed 10%
      tasq list --where 'status:failed type:send*' -o ids | tasq requeue - --yes
    """
    choice = checked_choice(context)
    asked = Asked(yes=yes, dry_run=dry_run, as_json=as_json, named=choice.names_ids)
    window = None if spread is None else parse_duration("--spread", spread, positive=True)
    if stop_if_failed is not None and first is None:
        raise InvalidInputError("--stop-if-failed is about those that --canary N tries first")
    share = parse_percent("--stop-if-failed", stop_if_failed or "10%")
    change = changes.requeue(
        choice.selection, reset=reset, spread=window,
        first=None if first is None else Canary(first, share), keep=not no_trash,
    )  # fmt: skip
    return carry_out(context.obj, change, asked)


@app.command("delete", cls=SelectionCommand)
def delete_tasks(
    context: typer.Context,
    *,
    include_leased: IncludeLeased = False,
    no_trash: options.NoTrash = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> int:
    """Delete tasks. Those that a consumer holds are skipped; the rest can be restored.

    Examples:
      tasq delete 3f2a9c 77b0
      tasq delete --where 'status:failed type:old_report' --dry-run
    """
    choice = checked_choice(context)
    change = changes.delete(
        choice.selection, changes.DELETE, include_leased=include_leased, keep=not no_trash
    )
    asked = Asked(yes=yes, dry_run=dry_run, as_json=as_json, named=choice.names_ids)
    return carry_out(context.obj, change, asked)


@app.command("purge", cls=FilteringCommand)
def purge(
    context: typer.Context,
    *,
    include_leased: IncludeLeased = False,
    no_trash: options.NoTrash = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> int:
    """Delete all tasks that match; asks for the number to be typed.

    Ctrl+C stops after the running batch; run it again to go on, or `tasq import` to undo.

    Examples:
      tasq purge --status successful --older-than 7d
      tasq purge --where 'queue:tmp status:new' --dry-run
    """
    change = changes.delete(
        checked_choice(context).selection, changes.PURGE,
        include_leased=include_leased, keep=not no_trash,
    )  # fmt: skip
    return carry_out(context.obj, change, Asked(yes=yes, dry_run=dry_run, as_json=as_json))


@app.command("clean", cls=VerbCommand)
def clean(
    context: typer.Context,
    *,
    older: Annotated[
        str, typer.Option("--age", metavar="DURATION", help="Ended at least so long ago.")
    ] = f"{DEFAULT_AGE_SECONDS / 60:g}m",
    since: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="finished|created",
            help="What --age counts from: the end of a task, or its creation as Go does.",
        ),
    ] = "finished",
    statuses: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="successful or failed; both without it.",
        ),
    ] = None,
    no_trash: options.NoTrash = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> int:
    """Delete finished tasks (SUCCESSFUL and FAILED) that ended long enough ago.

    Examples:
      tasq clean --age 7d
      tasq clean --status successful --age 1d --no-trash --yes
    """
    if since not in ("finished", "created"):
        raise InvalidInputError(f"--from {since!r}: use finished or created")
    wanted = named_statuses(statuses) or FINISHED_STATUSES
    where = finished_before(age("--age", older), wanted, from_creation=since == "created")
    which = ["--age", older]
    which += ["--from", since] if since != "finished" else []
    which += [word for status in statuses or () for word in ("--status", status)]
    change = changes.clean(where, tuple(which), keep=not no_trash)
    return carry_out(context.obj, change, Asked(yes=yes, dry_run=dry_run, as_json=as_json))
