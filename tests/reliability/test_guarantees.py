"""The document of guarantees and the tests that hold it belong together."""

import re

from tests.support.processes import ROOT

_DOCUMENT = ROOT / "docs" / "guarantees.md"
_LINK = re.compile(r"\]\(\.\./(tests/[\w/]+\.py)#(test_\w+)\)")


def _promises() -> list[str]:
    promised = _DOCUMENT.read_text().partition("## Promised")[2].partition("## Not promised")[0]
    return re.split(r"^- ", promised, flags=re.MULTILINE)[1:]


def _check_links(found: list[tuple[str, str]]) -> None:
    for path, name in found:
        source = (ROOT / path).read_text()
        assert re.search(rf"^(?:async )?def {name}\(", source, re.MULTILINE), (path, name)


def test_every_scenario_names_its_test_or_says_that_it_isnt_held():
    scenarios = _DOCUMENT.read_text().partition("## Scenarios")[2]
    numbered = re.split(r"^\d+\. ", scenarios, flags=re.MULTILINE)[1:]
    assert len(numbered) == len(re.findall(r"^\d+\. ", scenarios, re.MULTILINE)) == 60
    for scenario in numbered:
        found = _LINK.findall(scenario)
        assert found or "**Not held**" in scenario, scenario
        _check_links(found)


def test_every_promise_names_tests_that_exist(outcome):
    links = 0
    for promise in _promises():
        found = _LINK.findall(promise)
        assert found, f"no test holds: {promise}"
        _check_links(found)
        links += len(found)
    outcome(f"{len(_promises())} promises, {links} links to tests")
