"""Grouping failures: what varies between occurrences is taken out, what tells them apart stays."""

from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.error_groups import group_errors, normalised
from tasq_core.task import TaskStatus
from tests.support.builders import make_task

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("timeout after 30 s", "timeout after 5.5 s"),
        ("task 6ba7b810-9dad-11d1-80b4-00c04fd430c8 failed", "task 16fd2706-8baf-433b-82eb-8c7fada847da failed"),
        ("no user 'anna'", "no user 'b c'"),
        ('no user "anna"', 'no user ""'),
        ("can't open 'a.txt'", "can't open 'b c.txt'"),
        ("the user's file 'a' isn't there", "the user's file 'b' isn't there"),
        ("no key 'it isn\\'t'", "no key 'x'"),
        ("no key 'it isn't'", "no key 'x'"),
        ('no user "o\'neil"', 'no user "anna"'),
        ("bad bytes b'\\x00\\''", "bad bytes b'x'"),
        ("no user \u201canna\u201d", "no user \u201cb\u201d"),
        ("no user `anna`", "no user `b`"),
        ("<object at 0x7f00>", "<object at 0xABCDEF>"),
        ("ValueError: x\n\nTraceback 1", "\n  ValueError: x  \nTraceback 2"),
    ],
)  # fmt: skip
def test_occurrences_of_one_failure_are_one_message(first: str, second: str):
    assert normalised(first) == normalised(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("can't read the users' names", "can't write the users' ages"),
     ("it isn't there", "it wasn't here"), ("KeyError: a", "ValueError: a"), ("http2 failed", "http1 failed"), ("a b", "a c"), ("", "x")],
)  # fmt: skip
def test_different_failures_stay_apart(first: str, second: str):
    assert normalised(first) != normalised(second)


@pytest.mark.parametrize("error", [None, "", "\n \n"])
def test_no_message_is_called_so(error: str | None):
    assert normalised(error) == "(no message)"


def test_a_message_is_short_and_quickly_made():
    assert len(normalised("x" * 10_000_000)) <= 200
    assert normalised("'" * 100_000)
    assert normalised(" 'a" * 100_000)
    assert normalised(" '\\" * 100_000)


def test_groups_come_largest_first_with_their_newest_task():
    failures = ["boom 1", "boom 2", "other", None]
    tasks = [
        make_task(
            status=TaskStatus.FAILED,
            last_error=error,
            type=f"t{n}",
            finished_at=NOON + timedelta(n),
        )
        for n, error in enumerate(failures)
    ]
    boom, *rest = group_errors(reversed(tasks))
    assert (boom.message, boom.count, boom.types) == ("boom <n>", 2, ("t0", "t1"))
    assert (boom.first_seen, boom.last_seen) == (NOON, NOON + timedelta(1))
    assert (boom.sample_id, boom.task_ids) == (tasks[1].id, (tasks[1].id, tasks[0].id))
    assert [group.message for group in rest] == ["(no message)", "other"]


def test_a_failure_without_an_end_is_dated_by_its_creation():
    task = make_task(status=TaskStatus.FAILED, created_at=NOON)
    (group,) = group_errors([task])
    assert group.first_seen == group.last_seen == NOON
    assert group_errors([]) == []
