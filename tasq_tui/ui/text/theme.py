"""The colours. Nothing else names one: styles use Textual's tokens, statuses `STATUS_TOKENS`."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from textual.app import App
from textual.theme import Theme

from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import state_dir
from tasq_tui.admin.state import write_private

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
        "block-cursor-background": "#22394F",
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
        "footer-key-foreground": "#1B66A5",
        "input-selection-background": "#1F6FB2 25%",
        "scrollbar": "#A9B5C4",
        "scrollbar-background": "#EEF1F5",
    },
)

ANSI: Final = Theme(
    name="tasq-16",
    primary="#55FFFF",
    secondary="#5555FF",
    accent="#FF55FF",
    warning="#FFFF55",
    error="#FF5555",
    success="#55FF55",
    foreground="#FFFFFF",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    variables={
        "text-error": "#FF5555",
        "text-warning": "#FFFF55",
        "text-success": "#55FF55",
        "text-primary": "#55FFFF",
        "text-accent": "#FF55FF",
        "error-muted": "#000000",
        "warning-muted": "#000000",
        "primary-muted": "#000000",
        "block-cursor-background": "#0000AA",
        "block-cursor-foreground": "#FFFFFF",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#0000AA",
        "border": "#AAAAAA",
        "border-blurred": "#AAAAAA",
        "footer-key-foreground": "#55FFFF",
        "input-selection-background": "#0000AA",
        "scrollbar": "#AAAAAA",
        "scrollbar-background": "#000000",
    },
)
"""Colours a terminal of 16 has: none is lost where each is replaced by the nearest."""

NAMES: Final = (DARK.name, LIGHT.name, ANSI.name)
"""Our themes, in the order in which a key goes through them."""

STATUS_TOKENS: Final[dict[TaskStatus, str]] = {
    TaskStatus.NEW: "$text-primary",
    TaskStatus.ENQUEUED: "$text-accent",
    TaskStatus.IN_PROGRESS: "$text-warning",
    TaskStatus.SUCCESSFUL: "$text-success",
    TaskStatus.FAILED: "$text-error",
}
"""Tokens every Textual theme defines, so that each theme of the palette works."""


def register(app: App[Any]) -> None:
    """Make our themes known to `app` and choose the dark one."""
    for theme in (DARK, LIGHT, ANSI):
        app.register_theme(theme)
    app.theme = DARK.name


def choose(app: App[Any]) -> None:
    """Choose the theme that was used last; in a terminal of 16 colours the one that has them."""
    if app.console.color_system == "standard":
        app.theme = ANSI.name
        return
    with suppress(OSError, UnicodeDecodeError):
        name = _remembered().read_text("utf-8").strip()
        if name in app.available_themes and name != ANSI.name:
            app.theme = name


def remember(theme: Theme) -> None:
    """Choose `theme` in the next run, as far as the disk allows."""
    if theme.name != ANSI.name:
        with suppress(OSError):
            write_private(_remembered(), f"{theme.name}\n")


def _remembered() -> Path:
    return state_dir() / "theme"


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
