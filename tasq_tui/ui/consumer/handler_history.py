"""The handlers that were loaded in earlier runs, in a file of the state directory."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tasq_tui.admin.settings import state_dir

_LONGEST: Final = 200


def _path() -> Path:
    return state_dir() / "handlers.txt"


def read_history() -> list[str]:
    """The entries, the newest last; none where the file can't be read."""
    try:
        lines = _path().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line and len(line) <= _LONGEST]


def write_history(entries: Sequence[str]) -> None:
    """Keep `entries` for the next run; a disk that refuses is no reason to complain."""
    path = _path()
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text("".join(f"{entry}\n" for entry in entries), encoding="utf-8")
