"""Writes docs/reference/cli.md from the command's own help: `python docs/cli_reference.py`."""

import contextlib
import io
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

TARGET = HERE / "reference" / "cli.md"


def reference() -> str:
    """The page: the help of `tasq`, then of each verb."""
    from tasq_tui.cli.verbs import VERBS

    parts = [
        "# The command",
        "Made from `tasq --help` and `tasq VERB --help` by `python docs/cli_reference.py`.",
        _block(["--help"]),
    ]
    for verb in VERBS:
        parts += [f"## tasq {verb}", _block([verb, "--help"])]
    return "\n\n".join(parts) + "\n"


def _block(arguments: list[str]) -> str:
    from tasq_tui.cli.app import run

    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        run(arguments)
    lines = (line.rstrip() for line in written.getvalue().strip("\n").splitlines())
    return "```text\n" + "\n".join(lines) + "\n```"


if __name__ == "__main__":
    os.environ |= {"COLUMNS": "100", "NO_COLOR": "1"}
    TARGET.write_text(reference(), encoding="utf-8")
