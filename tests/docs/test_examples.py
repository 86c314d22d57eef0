"""Every example of the documentation runs in a test: whoever pastes one and sees an error leaves."""

import json
import re
import tomllib

import pytest

import tasq_core
from tasq_core.args import gob
from tasq_tui.admin.settings import read_config
from tests.docs.blocks import DOCS, blocks, named, pages
from tests.support.processes import ROOT, python

_HERE = ROOT / "tests"
_TESTS = [
    *sorted((_HERE / "docs").glob("test_*.py")),
    *sorted((_HERE / "project").glob("test_readme.py")),
    _HERE / "integrations" / "test_guides.py",
    _HERE / "cli" / "test_json_shapes.py",
]
WHOLE_PAGES = {
    "guides/stuck.md": "test_the_guides_commands_run_in_their_order",
    "steering.md": "test_the_commands_of_steering_run",
    "json.md": "docs/json.md: a program written after its examples",
    "reference/filters.md": "",
    "keys.md": "test_the_configuration_of_keys_is_accepted",
    "README.md": "",  # one of each language: see below and test_readme.py
}
"""Pages whose blocks are run together, with what is to be found in the test that does."""


def _is_run(block) -> bool:
    sources = "".join(path.read_text() for path in _TESTS)
    if block.page in WHOLE_PAGES:
        return WHOLE_PAGES[block.page] in sources
    guide = block.page.removeprefix("guides/").removesuffix(".md")
    written = f'write_examples("{guide}"' in sources  # the whole guide
    return written or bool(block.name and f'"{block.name}"' in sources)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_each_block_of_a_page_is_run_by_a_test(page):
    assert [block.text[:60] for block in blocks(page) if not _is_run(block)] == []


def test_the_readmes_configuration_is_accepted(tmp_path):
    (text,) = [block.text for block in blocks(ROOT / "README.md") if block.language == "toml"]
    (tmp_path / "config.toml").write_text(text)

    config = read_config(tmp_path / "config.toml")

    assert config.profile("prod").read_only
    assert tomllib.loads(text)["default_profile"] in config.profiles


def test_the_configuration_of_keys_is_accepted(tmp_path):
    for block in blocks(DOCS / "keys.md"):
        assert block.language == "toml"
        (tmp_path / "config.toml").write_text(block.text)

        config = read_config(tmp_path / "config.toml")

        for filter_text in config.filters.values():
            tasq_core.Filter.parse(filter_text)


def test_the_readmes_first_command_is_a_target_of_make():
    (text,) = [block.text for block in blocks(ROOT / "README.md") if block.language == "sh"]

    assert text == "make demo\n"
    assert "\ndemo:" in (ROOT / "Makefile").read_text()


def test_go_reads_what_the_go_guide_submits(tmp_path, start_process):
    """A struct that goes as a map is refused by Go's decoder."""
    url = f"sqlite:///{tmp_path}/tasks.db"
    text = named("go.md", "mailer.py").replace("postgresql://app@db/prod", url)
    assert url in text
    (tmp_path / "mailer.py").write_text(text)
    client = tasq_core.connect(url, prefix="billing", codec="gob")
    client.migrate()

    process = start_process(*python("mailer.py"), cwd=tmp_path)

    assert process.wait(30) == 0, str(process)
    (task,) = client.new_inspector().scan()
    assert (task.type, task.queue) == ("email", "mail")
    assert task.unmarshal_args() == {"To": "a@b.c", "Retries": 3}
    assert gob.describe(task.args).startswith("Email (2)"), "a struct, not a map"


@pytest.mark.slow
def test_the_commands_of_steering_run(tmp_path, shell):
    """With the ids that there are; one that ends with an error is shown to nobody."""
    client = tasq_core.connect(f"sqlite:///{tmp_path}/tasks.db")
    client.migrate()
    producer = client.new_producer()
    for block in blocks(DOCS / "steering.md"):
        assert block.language == "sh"
        for line in block.lines:
            task = producer.submit("webhook", {"to": "a@b.c"}, queue="bulk")
            run, expected = line.partition("#")[0].replace("3f2a9c", str(task.id)), {0}
            if "requeue" in run:
                client.new_inspector().cancel(task.id)
                run, expected = run + " --yes", {0, 4}
            if "1f3c9a02" in run:
                history = json.loads(shell("tasq history -o json").stdout)
                change = next(one["change"] for one in history if one["verb"] == "cancel")
                run, expected = run.replace("1f3c9a02", change), {0, 1}
            if "opens $EDITOR" in line:  # needs a terminal: tests/cli/test_steering.py
                continue
            if re.search("edit|undo|cancel", run):
                run += " --yes"
            if "wait" in run or "tail" in run or "--canary" in run:
                run, expected = f"timeout -s INT 2 {run.replace('5m', '1s')}", {0, 4, 124, 130}
            done = shell(run)
            assert done.returncode in expected, (run, done)


def test_the_filters_of_the_reference_are_filters():
    text = (DOCS / "reference" / "filters.md").read_text()
    terms = re.findall(r"`(-?[\w.]+:[^`]+)`", text)
    terms += [block.text for block in blocks(DOCS / "reference" / "filters.md")]

    assert len(terms) > 40
    for term in terms:
        tasq_core.Filter.parse(term.strip())
