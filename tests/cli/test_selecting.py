"""From selecting options to a filter; and back from a change to the line that repeats it."""

import io
import shlex
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasq_core.errors import FilterSyntaxError, InvalidInputError
from tasq_core.filters import Filter, parse
from tasq_core.repository.protocol import Repository
from tasq_core.task import TaskStatus
from tasq_tui.admin.command_line import brief, command_line
from tasq_tui.admin.operation import Change
from tasq_tui.admin.selection import Selection, select_where
from tasq_tui.admin.settings import Settings
from tasq_tui.cli import app
from tasq_tui.cli.commands import change
from tasq_tui.cli.operation import Asked
from tasq_tui.cli.selection import Choice
from tests.support.builders import make_tasks

SETTINGS = Settings(url="sqlite:///x.db", prefix="p")
SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (Choice(where="status:failed"), "status:failed"),
        (Choice(statuses=["failed,new", "open"]), "status:new,enqueued,in_progress,failed"),
        (Choice(statuses=["in-progress"]), "status:in_progress"),
        (Choice(queues=["a b", ""], types=["x*"]), 'type:"x*" queue:"a b",""'),
        (Choice(where="prio:>1", older_than="90m"), "prio:>=2 created:>=90m"),
    ],
)
def test_options_become_one_filter(choice, text):
    assert choice.asked_filter == parse(text)


@pytest.mark.parametrize(
    "choice",
    [
        Choice(),
        Choice(ids=["ab"], everything=True),
        Choice(ids=["ab"], where="is:ready"),
        Choice(ids=["ab"], limit=3),
        Choice(where=" "),
        Choice(where="is:ready", everything=True),
        Choice(statuses=["nope"]),
        Choice(older_than="x"),
    ],
)
@SQLITE
def test_what_is_no_selection_is_refused(choice, repository):
    with pytest.raises(InvalidInputError):
        choice.selection(repository)


def test_a_bad_filter_keeps_its_position():
    with pytest.raises(FilterSyntaxError) as refused:
        _ = Choice(where="queue:a stat:b").asked_filter

    assert refused.value.position == 8


@SQLITE
def test_ids_come_from_arguments_and_standard_input(repository, monkeypatch):
    one, two, three = make_tasks(3)
    repository.submit_tasks([one, two, three])
    given = f"{two.id}\n  {three.id.hex}\n{one.id}\n\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))

    selection = Choice(ids=[str(one.id)[:13], "-"]).selection(repository)

    assert selection.ids == (one.id, two.id, three.id)


class ParsedError(Exception):
    """What the command line came to, carried out of the command."""

    def __init__(self, given: Any, wanted: Change, asked: Asked) -> None:
        self.given = given
        self.wanted = wanted
        self.asked = asked

    def selection(self, repository: Repository) -> Selection:
        return self.wanted.look(repository, SETTINGS).selection


def parsed(line: str) -> ParsedError:
    def stop(given: Any, wanted: Change, asked: Asked) -> int:
        raise ParsedError(given, wanted, asked)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(change, "carry_out", stop)
        with pytest.raises(ParsedError) as caught:
            app.run(shlex.split(line, comments=True)[1:])
    return caught.value


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
FILTERS = st.builds(
    lambda names, words, statuses: (
        Filter.of(tuple(statuses) or None, tuple(names) or None) & parse(" ".join(words))
    ),
    st.lists(NAMES, max_size=3, unique=True),
    st.lists(
        st.sampled_from(["is:ready", "-queue:tmp*", 'error:"a \\" b"', "prio:1..5"]), max_size=3
    ),
    st.lists(st.sampled_from(TaskStatus), max_size=3, unique=True),
)


@settings(max_examples=40, deadline=None)
@given(asked=FILTERS)
def test_the_line_of_a_filter_reads_back_to_the_same_selection(asked, in_memory):
    selection = select_where(in_memory, asked)

    back = parsed(command_line("requeue", selection, SETTINGS, "--reset"))

    again = back.selection(in_memory)
    assert (again.asked, again.ids, again.limit) == (asked, None, None)
    assert back.wanted.flags == ("--reset",)
    assert (back.given.url, back.given.prefix) == (SETTINGS.url, SETTINGS.prefix)


@pytest.fixture(scope="module")
def in_memory():
    from tasq_core.repository import open_repository

    repository = open_repository("sqlite://")
    repository.migrate()
    yield repository
    repository.close()


def test_the_line_of_ids_reads_back_to_the_same_ids(in_memory):
    ids = tuple(task.id for task in make_tasks(5))
    selection = Selection(in_memory.now(), Filter(), Filter(), ids=ids)

    line = command_line("delete", selection, SETTINGS, "--no-trash", yes=True)

    back = parsed(line)
    assert back.selection(in_memory).ids == ids
    assert (back.asked.yes, back.wanted.keeps_rows) == (True, False)


def test_many_ids_are_piped_to_the_command_and_too_many_for_the_log_are_counted(in_memory):
    """Whoever repeats a line of the history would else hang at an empty standard input."""
    ids = tuple(task.id for task in make_tasks(10_001))
    few, many = (
        Selection(in_memory.now(), Filter(), Filter(), ids=chosen) for chosen in (ids[:21], ids)
    )

    line = command_line("delete", few, SETTINGS)

    command = "tasq delete --url sqlite:///x.db --prefix p -"
    assert line == f"printf '%s\\n' {' '.join(map(str, ids[:21]))} | {command}"
    assert brief(line) == f"… | {command}"
    assert command_line("delete", many, SETTINGS) == f"{command}  # 10,001 ids on standard input"


def test_a_limit_is_part_of_the_line(in_memory):
    in_memory.submit_tasks(make_tasks(9))
    selection = select_where(in_memory, Filter(), 4)

    back = parsed(command_line("purge", selection, SETTINGS))

    assert back.selection(in_memory).ids == selection.ids
    assert len(selection.ids or ()) == 4


def test_the_line_names_the_profile_and_never_a_password():
    selection = Selection(None, Filter(), Filter())  # type: ignore[arg-type]
    secret = Settings(url="postgresql://a:secret@db/x")
    named = Settings(url="postgresql://a:secret@db/x", profile="prod")

    assert command_line("purge", selection, secret) == "tasq purge --all"
    assert command_line("clean", selection, named, which=("--age", "7d")) == (
        "tasq clean --profile prod --age 7d"
    )
