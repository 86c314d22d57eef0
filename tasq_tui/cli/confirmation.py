"""Shows what a change would do, and asks."""

import sys
from collections.abc import Iterator
from typing import Any

from tasq_core.errors import InvalidInputError
from tasq_tui.admin.preview import Confirmation, Preview
from tasq_tui.admin.records import task_record
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.wording import counted, span
from tasq_tui.cli import diagnostics, sanitize

_FORMS = {"requeue": "requeued", "delete": "deleted", "purge": "deleted", "clean": "deleted"}


def done_word(verb: str) -> str:
    """As in "deleted 5"."""
    return _FORMS.get(verb, "done")


def described(preview: Preview, settings: Settings) -> Iterator[str]:
    """The preview's lines, all inert."""
    place = (
        f"{settings.profile}: {settings.redacted_url}"
        if settings.profile
        else settings.redacted_url
    )
    prefix = f", prefix {settings.prefix}" if settings.prefix else ""
    yield sanitize.line(f"{preview.verb} {counted(preview.count, 'task')} in {place}{prefix}")
    selection = preview.selection
    if selection.asked:
        yield sanitize.line(f"  filter    {selection.asked}")
    elif selection.is_everything:
        yield "  filter    none: ALL tasks"
    if preview.by_status:
        parts = (f"{count:,} {status}" for status, count in preview.by_status.items())
        yield f"  statuses  {', '.join(parts)}"
    for count, about in (
        (preview.leased, "held by a consumer now, to be skipped"),
        (preview.gone, "asked for and not found"),
        (preview.later, "created in the future by a producer's clock, left alone"),
    ):
        if count:
            yield f"  {count:,} {about}"
    for task in preview.sample:
        age = span(selection.until - task.created_at)
        error = (task.last_error or "").partition("\n")[0][:80]
        yield sanitize.line(
            f"  {task.id}  {task.status:<11}  {task.type}  {task.queue or '-'}  {age}  {error}"
        ).rstrip()
    if preview.count > len(preview.sample) > 0:
        yield f"  … and {preview.count - len(preview.sample):,} more"


def preview_record(preview: Preview, settings: Settings) -> dict[str, Any]:
    """The preview as JSON has it."""
    return {
        "verb": preview.verb,
        "target": settings.redacted_url,
        "prefix": settings.prefix,
        "filter": str(preview.selection.asked),
        "count": preview.count,
        "by_status": {status.value: count for status, count in preview.by_status.items()},
        "leased": preview.leased,
        "not_found": preview.gone,
        "sample": [task_record(task) for task in preview.sample],
    }


def confirm(preview: Preview, settings: Settings, *, yes: bool) -> None:
    """Have the user agree.

    Raises:
        DeclinedError: they didn't.
        InvalidInputError: there is nobody to ask, and no `--yes`.
    """
    if yes or preview.confirmation is Confirmation.NONE:
        return
    if not (sys.stdin.isatty() and diagnostics.is_terminal()):
        raise InvalidInputError(
            f"{preview.verb} of {counted(preview.count, 'task')} needs a yes, and this is no"
            " terminal: add --yes (or --dry-run to see which tasks); nothing was touched"
        )
    diagnostics.note("\n".join(described(preview, settings)))
    if preview.confirmation is Confirmation.TYPE_TO_CONFIRM:
        agreed = _answer(f"type {preview.word} to {preview.verb} them: ") == preview.word
    else:
        agreed = _answer("go on? [y/N] ").lower() in ("y", "yes")
    if not agreed:
        raise diagnostics.DeclinedError("declined; nothing was touched")


def _answer(question: str) -> str:
    diagnostics.ask(question)
    return sys.stdin.readline().strip()
