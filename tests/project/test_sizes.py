"""Files stay small enough to be read in one go."""

import ast

import pytest

from tests.support.processes import ROOT

CODE_LINES = 400
TEST_LINES = 500
_EXCUSE = f"Longer than {CODE_LINES} lines because"


def _sources(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def _id(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", _sources("tasq_core", "tasq_tui"), ids=_id)
def test_a_code_file_is_short_or_says_why_it_is_not(path):
    text = path.read_text()
    lines = len(text.splitlines())

    assert lines <= CODE_LINES or _EXCUSE in (ast.get_docstring(ast.parse(text)) or "")


@pytest.mark.parametrize("path", _sources("tests"), ids=_id)
def test_a_test_file_is_short(path):
    assert len(path.read_text().splitlines()) <= TEST_LINES
