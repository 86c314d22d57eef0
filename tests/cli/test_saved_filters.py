"""Filters that the config file names: whoever saved one needn't write it out in a shell."""

import pytest

from tasq_core.task import TaskStatus
from tests.support.builders import make_task

CONFIG = """
[filters]
"stuck mail" = "queue:mail status:failed"
wrong = "colour:red"
"""


@pytest.fixture
def named(tasq, table):
    (tasq.folder / "config.toml").write_text(CONFIG)
    return table(
        make_task(queue="mail", status=TaskStatus.FAILED),
        make_task(queue="mail"),
        make_task(queue="other", status=TaskStatus.FAILED),
    )


def test_the_name_of_a_saved_filter_selects_its_tasks_and_is_said(tasq, named):
    found = tasq("list", "--where", "Stuck mail", "-o", "ids")

    assert found.out.split() == [str(named[0].id)]
    assert "the filter Stuck mail: queue:mail status:failed" in found.err


def test_a_change_names_the_filter_itself_and_records_it(tasq, named):
    """The command in the history must mean the same tasks after the config file has changed."""
    done = tasq("delete", "--where", "stuck mail", "--yes")

    assert done.code == 0
    assert "queue:mail" in tasq("history", "--json").out
    assert tasq("count").out.strip() == "2"


def test_what_is_only_a_part_of_a_name_is_no_name(tasq, named):
    assert tasq("count", "--where", "stuck").out.strip() == "0"


def test_a_saved_filter_that_can_not_be_read_is_refused_with_its_text(tasq, named):
    done = tasq("count", "--where", "wrong")

    assert done.code == 2
    assert "colour:red" in done.err
