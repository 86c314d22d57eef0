"""What a task that is to be submitted begins with, and what it became. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of a task as they are edited."""

    type: str = ""
    queue: str = ""
    priority: int = 0
    max_receives: int = 0
    delay: float = 0.0
    """Seconds."""
    codec: str = "json"
    go_type: str | None = None
    """What edited gob arguments are written as; None leaves it to their values."""
    args: str = "{}"
    """As JSON text."""
    data: bytes | None = None
    """The encoded arguments of the original, used again while `args` isn't edited."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a form completes names from."""

    queues: Sequence[str] = ()
    types: Sequence[str] = ()


NO_NAMES: Final = Names()
