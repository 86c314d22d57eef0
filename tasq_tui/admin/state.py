"""Small files in the state directory: private, and kept per database.

What was typed for one database is never offered on another.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tasq_tui.admin.settings import Settings, place_of, state_dir

_LONGEST: Final = 2_000
"""Characters of a line that is kept."""


def database_folder(settings: Settings) -> Path:
    """The folder of this database and prefix; it may not exist yet."""
    key = repr((place_of(settings.url), settings.prefix)).encode()
    table = re.sub(r"[^a-z0-9]+", "-", settings.prefix.lower()).strip("-") or "tasks"
    return state_dir() / "databases" / f"{table[:40]}-{hashlib.sha256(key).hexdigest()[:16]}"


def read_lines(settings: Settings, name: str) -> list[str]:
    """The lines kept under `name` for this database; none where they can't be read."""
    try:
        text = (database_folder(settings) / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line]


def write_lines(settings: Settings, name: str, lines: Sequence[str], most: int = 100) -> None:
    """Keep the last `most` of `lines`, readable by this user alone, as far as the disk allows."""
    kept = [line for line in lines if "\n" not in line and len(line) <= _LONGEST][-most:]
    with suppress(OSError):
        write_private(database_folder(settings) / name, "".join(f"{line}\n" for line in kept))


def write_private(path: Path, text: str) -> None:
    """Replace the file at `path` in one step; mode 0600, its folders 0700.

    Raises:
        OSError: the disk refuses; an earlier file stands as it was.
    """
    make_private_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_private_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, for this user alone.

    Raises:
        OSError: the disk refuses.
    """
    missing = [folder, *folder.parents]
    missing = missing[: next(i for i, path in enumerate(missing) if path.exists())]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
