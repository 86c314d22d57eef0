"""Durations, times and Go types as a person types them."""

import json

import pytest

from tasq_core.args import gob


def test_a_task_is_submitted_for_a_time_and_as_a_go_type(tasq, table, repository):
    table()
    later = tasq("submit", "later", "--at", "in 2h", "--json")
    typed = tasq("submit", "typed", "--args", "[1, 2]", "--go-type", "[]int")
    struct = tasq("submit", "struct", "--args", '{"ID": 7}', "--as-struct", "--count", "2")

    assert (later.code, typed.code, struct.code) == (0, 0, 0)
    assert json.loads(later.out)["visible_at"] > json.loads(later.out)["created_at"]
    stored = {task.type: task.args for task in repository.scan_tasks(None, None, None)}
    assert stored["typed"] == gob.encode([1, 2], go_type="[]int")
    assert stored["struct"] == gob.encode({"ID": 7}, as_struct=True)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("submit", "x", "--at", "soon"), "--at 'soon' is not a time: write 2026-11-26"),
        (("submit", "x", "--delay", "5 parsecs"), "--delay '5 parsecs' is not a duration"),
        (("submit", "x", "--at", "now", "--delay", "5"), "pass one of them"),
        (("list", "--older-than", "1x"), "'1x' is not a duration: write 90, 90s, 15m"),
        (("list", "--where", "status=failed"), "write status:failed"),
    ],
)
def test_what_cant_be_read_says_what_can(tasq, table, command, why):
    table()
    result = tasq(*command)

    assert result.code == 2
    assert why in result.err
