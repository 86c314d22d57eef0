"""Type checkers find a program's mistakes, by mypy and by pyright."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRONG = ROOT / "tests" / "typing" / "wrong.py"
MARKED = {
    number
    for number, line in enumerate(WRONG.read_text().splitlines(), 1)
    if line.endswith("# wrong")
}


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_mypy_refuses_what_is_wrong_and_nothing_else():
    """A misspelt name that a checker lets pass is an AttributeError in production."""
    output = run("mypy", "--strict", str(WRONG))

    found = {int(number) for number in re.findall(r"wrong\.py:(\d+): error", output)}
    assert found == MARKED, output


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_pyright_refuses_what_is_wrong_and_nothing_else():
    output = run("basedpyright", "--outputjson", "--level", "error", str(WRONG))

    report = json.loads(output)
    found = {
        one["range"]["start"]["line"] + 1
        for one in report["generalDiagnostics"]
        if one["severity"] == "error" and Path(one["file"]).name == WRONG.name
    }
    assert found == MARKED, output
