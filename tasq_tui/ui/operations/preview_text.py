"""What a dialog says about a change before it is made. Pure."""

from datetime import datetime
from typing import Final

from textual.content import Content

from tasq_core.task import Task
from tasq_tui.admin.preview import Preview
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.text.formats import GLYPHS, LABELS, age, count
from tasq_tui.ui.text.sanitize import fit, safe
from tasq_tui.ui.text.theme import STATUS_TOKENS

_LONGEST_FILTER: Final = 200
_TYPE: Final = 24
_QUEUE: Final = 14
_A_LINE: Final = 3
"""Statuses on a line."""

PAST: Final = {"requeue": "requeued", "delete": "deleted", "purge": "purged"}
LOSES: Final = frozenset({"delete", "purge"})
"""Verbs after which the rows are gone."""


def tasks(number: int) -> str:
    """As in "1 task", "1,200 tasks"."""
    return f"{count(number)} task{'' if number == 1 else 's'}"


def question(seen: Preview, *, reset: bool = False) -> tuple[str, str]:
    """The dialog's title, and what its button says."""
    verb = seen.verb.capitalize()
    what = f"{verb} {tasks(seen.count)}{' and reset their receives' if reset else ''}?"
    return what, f"{verb} {count(seen.count)}"


def described(seen: Preview, settings: Settings, now: datetime) -> Content:
    """Target, filter, counts and a sample, in inert text."""
    selection = seen.selection
    where = f"filter    {safe(selection.asked, _LONGEST_FILTER)}"
    if selection.is_everything:
        where = "filter    none: every task in the table"
    elif selection.ids is not None:
        where = f"chosen    {count(len(selection.ids))} by id"
    profile = f"{safe(settings.profile)} · " if settings.profile else ""
    facts = [f"database  {profile}{safe(settings.redacted_url)}", where]
    parts = [Content("\n").join(Content.styled(fact, "$text-muted") for fact in facts)]
    parts.append(_by_status(seen))
    parts += [Content.styled(note, "$text-warning") for note in _notes(seen)]
    if seen.sample:
        more = (
            ""
            if seen.count <= len(seen.sample)
            else f"  … and {count(seen.count - len(seen.sample))} more"
        )
        lines = [_line(task, now) for task in seen.sample]
        parts.append(Content("\n").join([Content(""), *lines, Content.styled(more, "$text-muted")]))
    return Content("\n").join(parts)


def nothing(seen: Preview) -> str:
    """Why there is nothing to do."""
    if seen.gone:
        return f"{tasks(seen.gone)} no longer there: nothing to {seen.verb}"
    return f"nothing matches: nothing to {seen.verb}"


def why_skipped(seen: Preview) -> str:
    """Why some were left alone."""
    return "leased" if not seen.gone else "gone" if not seen.leased else "leased or gone"


def _by_status(seen: Preview) -> Content:
    shown = [
        Content.styled(f"{GLYPHS[status]} {count(number)} {LABELS[status]}", STATUS_TOKENS[status])
        for status, number in seen.by_status.items()
    ]
    lines = [shown[at : at + _A_LINE] for at in range(0, len(shown), _A_LINE)]
    indent = " " * 10
    return Content("\n").join(Content.assemble(indent, Content("   ").join(line)) for line in lines)


def _notes(seen: Preview) -> list[str]:
    notes = []
    if seen.leased:
        notes.append(f"          {count(seen.leased)} leased by a consumer: they are skipped")
    if seen.gone:
        notes.append(f"          {count(seen.gone)} no longer there")
    if seen.later:
        notes.append(f"          {count(seen.later)} created later: they are left alone")
    return notes


def _line(task: Task, now: datetime) -> Content:
    colour = STATUS_TOKENS[task.status]
    text = (
        f" {task.id.hex[:8]}  {fit(safe(task.type, _TYPE * 2), _TYPE)}"
        f"  {fit(safe(task.queue, _QUEUE * 2), _QUEUE)}  {age(task.created_at, now):>7}"
    )
    return Content.assemble("  ", (GLYPHS[task.status], colour), text)
