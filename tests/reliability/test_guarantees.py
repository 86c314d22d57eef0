"""The document of guarantees and the tests that hold it belong together."""

import re

from tests.support.processes import ROOT

_DOCUMENT = ROOT / "docs" / "guarantees.md"
_LINK = re.compile(r"\]\(\.\./(tests/[\w/]+\.py)#(test_\w+)\)")


def _promises() -> list[str]:
    promised = _DOCUMENT.read_text().partition("## Promised")[2].partition("## Not promised")[0]
    return re.split(r"^- ", promised, flags=re.MULTILINE)[1:]


def test_every_promise_names_tests_that_exist(outcome):
    links = 0
    for promise in _promises():
        found = _LINK.findall(promise)
        assert found, f"no test holds: {promise}"
        for path, name in found:
            assert re.search(
                rf"^(?:async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE
            ), (
                path,
                name,
            )
            links += 1
    outcome(f"{len(_promises())} promises, {links} links to tests")
