"""The colours. Nothing else names one: styles use Textual's tokens, statuses `STATUS_TOKENS`."""

from typing import Any, Final

from textual.app import App
from textual.theme import Theme

from tasq_core.task import TaskStatus

DARK: Final = Theme(
    name="tasq",
    primary="#5FB3F0",
    secondary="#8A9BD8",
    accent="#C792EA",
    warning="#F2B84B",
    error="#F2777A",
    success="#7BD88F",
    foreground="#D8DEE9",
    background="#12161C",
    surface="#181D25",
    panel="#212833",
    dark=True,
    variables={
        "block-cursor-background": "#2C4A66",
        "block-cursor-foreground": "#FFFFFF",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#26313F",
        "border": "#3A4657",
        "border-blurred": "#2A3340",
        "footer-key-foreground": "#5FB3F0",
        "input-selection-background": "#5FB3F0 35%",
        "scrollbar": "#4A5A70",
        "scrollbar-background": "#181D25",
    },
)

LIGHT: Final = Theme(
    name="tasq-light",
    primary="#1F6FB2",
    secondary="#4A5BA8",
    accent="#8A3FB0",
    warning="#9A6200",
    error="#BC2F3A",
    success="#217A3C",
    foreground="#1E2530",
    background="#F7F8FA",
    surface="#FFFFFF",
    panel="#E6EAF0",
    dark=False,
    variables={
        "block-cursor-background": "#CFE3F5",
        "block-cursor-foreground": "#0F1722",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#E3E9F0",
        "border": "#B4BECC",
        "border-blurred": "#CBD3DE",
        "footer-key-foreground": "#1F6FB2",
        "input-selection-background": "#1F6FB2 25%",
        "scrollbar": "#A9B5C4",
        "scrollbar-background": "#EEF1F5",
    },
)

STATUS_TOKENS: Final[dict[TaskStatus, str]] = {
    TaskStatus.NEW: "$text-primary",
    TaskStatus.ENQUEUED: "$text-accent",
    TaskStatus.IN_PROGRESS: "$text-warning",
    TaskStatus.SUCCESSFUL: "$text-success",
    TaskStatus.FAILED: "$text-error",
}
"""Tokens every Textual theme defines, so that each theme of the palette works."""


def register(app: App[Any]) -> None:
    """Make both themes known to `app` and choose the dark one."""
    app.register_theme(DARK)
    app.register_theme(LIGHT)
    app.theme = DARK.name


def status_class(status: TaskStatus) -> str:
    """The component class that colours `status`."""
    return f"status--{status.value.lower().replace('_', '-')}"


STATUS_CLASSES: Final = frozenset(status_class(status) for status in TaskStatus)


def status_css(widget: str) -> str:
    """Rules that colour the component classes of `STATUS_CLASSES` inside `widget`."""
    return "\n".join(
        f"{widget} > .{status_class(status)} {{ color: {token}; }}"
        for status, token in STATUS_TOKENS.items()
    )
