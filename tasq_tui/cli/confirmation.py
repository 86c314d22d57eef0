"""Shows what a change would do, and asks."""

import sys
from collections.abc import Iterator
from typing import Any

from tasq_core.errors import InvalidInputError
from tasq_tui.admin.preview import Confirmation, Preview, Verb, target_text
from tasq_tui.admin.records import task_record
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.wording import span
from tasq_tui.cli import diagnostics, sanitize


def described(preview: Preview, settings: Settings) -> Iterator[str]:
    """The preview's lines, sanitized."""
    yield headline(preview, settings)
    for name, value in preview.facts:
        yield sanitize.line(f"  {name:<9} {value}")
    if preview.by_status:
        parts = (f"{count:,} {status}" for status, count in preview.by_status.items())
        yield f"  statuses  {', '.join(parts)}"
    yield from (f"  {note}" for note in preview.notes)
    for task in preview.sample:
        age = span(preview.selection.until - task.created_at)
        error = (task.last_error or "").partition("\n")[0][:80]
        yield sanitize.line(
            f"  {task.id}  {task.status:<11}  {task.type}  {task.queue or '-'}  {age}  {error}"
        ).rstrip()
    if preview.count > len(preview.sample) > 0:
        yield f"  … and {preview.count - len(preview.sample):,} more"


def headline(preview: Preview, settings: Settings) -> str:
    """As in "delete 5 tasks in prod · postgresql://app@db/prod"."""
    return sanitize.line(f"{preview.title} in {target_text(settings)}")


def preview_record(preview: Preview, settings: Settings) -> dict[str, Any]:
    """The preview as JSON has it."""
    return {
        "verb": preview.verb.name,
        "target": settings.redacted_url,
        "prefix": settings.prefix,
        "filter": str(preview.selection.asked),
        "count": preview.count,
        "by_status": {status.value: count for status, count in preview.by_status.items()},
        "leased": preview.leased,
        "not_found": preview.gone,
        "sample": [task_record(task) for task in preview.sample],
    }


def is_asked(verb: Verb, settings: Settings, *, named: bool) -> bool:
    """Whether a change is asked about; refused, before it is counted, where nobody can be.

    What matches doesn't matter: a script must fail the first time it runs, not on the day
    that more tasks match. A requeue of tasks named by id passes: it says all there is to ask.

    Args:
        verb: what is to be done.
        settings: to which database.
        named: whether all tasks were named by id.

    Raises:
        InvalidInputError: there is nobody to ask.
    """
    if sys.stdin.isatty() and diagnostics.is_terminal():
        return True
    if named and verb.is_harmless and not settings.confirm:
        return False
    raise InvalidInputError(
        f"{verb.name} asks before it changes tasks, and there is no terminal to ask on: add --yes"
        " (or --dry-run to see which tasks); nothing was changed"
    )


def confirm(preview: Preview, settings: Settings) -> None:
    """Have the user agree at the terminal.

    Raises:
        DeclinedError: they didn't.
    """
    if preview.confirmation is Confirmation.NONE:
        diagnostics.note(headline(preview, settings))
        return
    diagnostics.note("\n".join(described(preview, settings)))
    if preview.confirmation is Confirmation.TYPE_TO_CONFIRM:
        agreed = _answer(f"type {preview.word} to {preview.verb.name} them: ") == preview.word
    else:
        agreed = _answer("go on? [y/N] ").lower() in ("y", "yes")
    if not agreed:
        raise diagnostics.DeclinedError("declined; nothing was changed")


def agree(headline: str, verb: str) -> None:
    """Have the user agree to what a line says.

    Raises:
        InvalidInputError: there is nobody to ask.
        DeclinedError: they didn't.
    """
    if not (sys.stdin.isatty() and diagnostics.is_terminal()):
        raise InvalidInputError(
            f"{verb} asks first, and there is no terminal to ask on: add --yes; nothing was changed"
        )
    diagnostics.note(sanitize.line(headline))
    if _answer("go on? [y/N] ").lower() not in ("y", "yes"):
        raise diagnostics.DeclinedError("declined; nothing was changed")


def _answer(question: str) -> str:
    diagnostics.ask(question)
    return sys.stdin.readline().strip()
