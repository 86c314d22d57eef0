"""What a dialog says about a change before it is made. Pure."""

from datetime import datetime
from typing import Final

from textual.content import Content

from tasq_core.task import Task
from tasq_core.wording import counted
from tasq_tui.admin.preview import Preview, target_text
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.text.formats import GLYPHS, LABELS, age, count
from tasq_tui.ui.text.sanitize import fit, safe
from tasq_tui.ui.text.theme import STATUS_TOKENS

_LONGEST_FACT: Final = 200
_TYPE: Final = 24
_QUEUE: Final = 14
_A_LINE: Final = 3
"""Statuses on a line."""


def tasks(number: int) -> str:
    """As in "1 task", "1,200 tasks"."""
    return counted(number, "task")


def question(seen: Preview) -> str:
    """The dialog's title."""
    return f"{seen.title.capitalize()}?"


def button(seen: Preview) -> str:
    """What the button says that does it."""
    return f"{seen.verb.name.capitalize()} {count(seen.count)}"


def described(seen: Preview, settings: Settings, now: datetime) -> Content:
    """Target, filter, counts and a sample, in inert text."""
    facts = [("database", target_text(settings)), *seen.facts]
    parts = [
        Content.styled(f"{name:<9} {safe(value, _LONGEST_FACT)}", "$text-muted")
        for name, value in facts
    ]
    parts.append(_by_status(seen))
    parts += [Content.styled(f"{' ' * 10}{note}", "$text-warning") for note in seen.notes]
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
    return f"nothing matches: nothing to {seen.verb.name}"


def _by_status(seen: Preview) -> Content:
    shown = [
        Content.styled(f"{GLYPHS[status]} {count(number)} {LABELS[status]}", STATUS_TOKENS[status])
        for status, number in seen.by_status.items()
    ]
    lines = [shown[at : at + _A_LINE] for at in range(0, len(shown), _A_LINE)]
    indent = " " * 10
    return Content("\n").join(Content.assemble(indent, Content("   ").join(line)) for line in lines)


def _line(task: Task, now: datetime) -> Content:
    colour = STATUS_TOKENS[task.status]
    text = (
        f" {task.id.hex[:8]}  {fit(safe(task.type, _TYPE * 2), _TYPE)}"
        f"  {fit(safe(task.queue, _QUEUE * 2), _QUEUE)}  {age(task.created_at, now):>7}"
    )
    return Content.assemble("  ", (GLYPHS[task.status], colour), text)
