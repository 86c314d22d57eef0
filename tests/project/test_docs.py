"""The documentation says what the code does: pages made from it are never stale."""

import os
import subprocess
import sys

from tests.support.processes import ROOT

_PAGE = ROOT / "docs" / "reference" / "cli.md"


def test_the_reference_of_the_command_is_its_help(tmp_path):
    """Users find options there that are gone, or miss new ones."""
    code = (
        "import runpy; page = runpy.run_path('docs/cli_reference.py');"
        " print(page['reference'](), end='')"
    )
    made = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert made.stdout == _PAGE.read_text("utf-8"), "run: python docs/cli_reference.py"


def test_the_library_reference_names_modules_that_exist():
    from importlib import import_module

    lines = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8").splitlines()
    for line in lines:
        if line.startswith("::: "):
            name = line.removeprefix("::: ")
            module, _, member = name.rpartition(".")
            found = import_module(name if member.islower() else module)
            assert member.islower() or hasattr(found, member), name
