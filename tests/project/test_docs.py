"""The documentation says what the code does: pages made from it are never stale."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.processes import ROOT

_PAGES = {"cli": "reference", "configuration": "page", "filter": "page", "metrics": "page"}


@pytest.mark.parametrize("name", _PAGES)
def test_a_reference_is_what_the_code_says(name):
    """Users find options there that are gone, or miss new ones."""
    code = (
        f"import runpy; page = runpy.run_path('docs/{name}_reference.py');"
        f" print(page['TARGET'].read_text('utf-8') == page['{_PAGES[name]}']())"
    )
    made = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert made.stdout == "True\n", f"run: python docs/{name}_reference.py"


def test_the_configuration_reference_has_every_variable_that_is_read():
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text("utf-8")
    read = {
        name
        for top in ("tasq_core", "tasq_tui")
        for path in (ROOT / top).rglob("*.py")
        for name in re.findall(r"\bTASQ_[A-Z_]+[A-Z]\b", path.read_text("utf-8"))
    }

    assert {name for name in read if f"| `{name}` |" not in page} == set()


def test_every_page_is_in_the_navigation():
    """mkdocs only warns of one that nobody finds."""
    listed = set(re.findall(r"[\w/.-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8")))
    docs = ROOT / "docs"

    assert {str(path.relative_to(docs)) for path in docs.rglob("*.md")} == listed


def test_the_library_reference_names_modules_that_exist():
    from importlib import import_module

    lines = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8").splitlines()
    for line in lines:
        if line.startswith("::: "):
            name = line.removeprefix("::: ")
            module, _, member = name.rpartition(".")
            found = import_module(name if member.islower() else module)
            assert member.islower() or hasattr(found, member), name
