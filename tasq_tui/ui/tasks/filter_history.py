"""The filters typed before, kept in the state directory."""

import os
from collections.abc import Sequence
from typing import Final

from tasq_tui.admin.settings import state_dir

_FILE: Final = "filters"
_KEPT: Final = 100


def read_history() -> list[str]:
    """Earlier filters, the newest last."""
    try:
        return (state_dir() / _FILE).read_text("utf-8").splitlines()[-_KEPT:]
    except (OSError, UnicodeDecodeError):
        return []


def write_history(filters: Sequence[str]) -> None:
    """Keep these, as far as the disk allows."""
    path = state_dir() / _FILE
    lines = [line for line in filters if "\n" not in line][-_KEPT:]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
    except OSError:
        return
