"""A changing verb on the command line: renders `tasq_tui.admin.operation`, and exits by it."""

from collections.abc import Callable
from dataclasses import dataclass

from tasq_tui.admin.operation import Change, Operation, Outcome, prepare
from tasq_tui.admin.settings import Settings
from tasq_tui.cli import confirmation, diagnostics, output, progress
from tasq_tui.cli.connection import Connection, connected
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.options import Given


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that every changing verb takes."""

    yes: bool = False
    dry_run: bool = False
    as_json: bool = False
    named: bool = False
    """Whether all tasks were named by id."""


def carry_out(
    given: Given, asked_for: Change | Callable[[Connection], Change], asked: Asked
) -> int:
    """Preview, ask, change and report; the exit code."""
    with connected(given) as connection:
        settings = connection.settings
        change = asked_for if isinstance(asked_for, Change) else asked_for(connection)
        is_asked = not (asked.yes or asked.dry_run) and confirmation.is_asked(
            change.verb, settings, named=asked.named
        )
        operation = prepare(connection.repository, settings, change, dry_run=asked.dry_run)
        if asked.dry_run:
            return _dry_run(operation, settings, asked)
        if is_asked:
            confirmation.confirm(operation.seen, settings)
        else:
            diagnostics.note(confirmation.headline(operation.seen, settings))
        return report(progress.run(operation), as_json=asked.as_json)


def report(outcome: Outcome, *, as_json: bool) -> int:
    """Say how a change ended; the exit code."""
    failure = None
    if as_json:
        try:
            output.document(outcome.record)
            output.flush()
        except output.OutputFailedError as error:
            failure = error
    again = ": run it again to go on" if outcome.interrupted and outcome.left else ""
    diagnostics.note(f"{outcome.text}{again}")
    if outcome.can_be_undone:
        rows = f" (or tasq import {outcome.trash})" if outcome.verb.loses_rows else ""
        diagnostics.note(f"to undo: tasq undo {outcome.change_id}{rows}")
    if outcome.recorded.problem:
        diagnostics.warn(outcome.recorded.problem)
    code = diagnostics.failed(outcome.error) if outcome.error is not None else ExitCode.FAILED
    code = exit_code(outcome, code)
    if failure is None:
        return code
    diagnostics.failed(failure)
    return code if code is not ExitCode.DONE else ExitCode.PARTLY_DONE


def exit_code(outcome: Outcome, failed: ExitCode = ExitCode.FAILED) -> ExitCode:
    """How to exit after a change; `failed` stands for an error before its first batch."""
    result = outcome.result
    if outcome.error is not None:
        return ExitCode.PARTLY_DONE if result.done else failed
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    if not result.skipped or outcome.verb.is_idempotent:
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if result.done else ExitCode.FAILED


def _dry_run(operation: Operation, settings: Settings, asked: Asked) -> int:
    seen = operation.seen
    if asked.as_json:
        output.document({**confirmation.preview_record(seen, settings), "dry_run": True})
    else:
        output.text("dry run: nothing is changed", *confirmation.described(seen, settings))
    return ExitCode.DONE
