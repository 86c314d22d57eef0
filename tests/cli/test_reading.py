"""list, show, stats and errors: what they print, in each form, on every database."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tasq_core.args import gob
from tasq_core.task import TaskStatus
from tests.support.builders import make_task, make_tasks

SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
BORN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ID = UUID("0c9d2f6e-1111-4222-8333-444455556666")


def test_a_task_as_json_has_every_field_and_decoded_args(tasq, table):
    table(
        make_task(
            id=ID, type="email", queue="mail", priority=-3, status=TaskStatus.FAILED,
            receive_count=2, max_receives=5, last_error="no", created_at=BORN,
            started_at=BORN + timedelta(seconds=1), finished_at=BORN + timedelta(seconds=2),
        )
    )  # fmt: skip

    [shown] = json.loads(tasq("show", "0c9d2f", "--json").out)

    assert shown == {
        "id": str(ID), "type": "email", "queue": "mail", "priority": -3, "status": "FAILED",
        "receive_count": 2, "max_receives": 5, "created_at": "2026-01-02T03:04:05.678901Z",
        "started_at": "2026-01-02T03:04:06.678901Z", "finished_at": "2026-01-02T03:04:07.678901Z",
        "visible_at": None, "last_error": "no",
        "args": {"encoding": "json", "value": {"to": "a@example.org"}},
        "holder": None, "attempts": [],
    }  # fmt: skip


@SQLITE
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a": [1, null]}', {"encoding": "json", "value": {"a": [1, None]}}),
        (gob.encode({"to": "x", "n": 7}), {"encoding": "gob", "value": {"to": "x", "n": 7}}),
        (b"plain words", {"encoding": "text", "value": "plain words"}),
        (b"", {"encoding": "text", "value": ""}),
        (b"\xff\x00\x01", {"encoding": "base64", "value": "/wAB"}),
    ],
)
def test_args_are_told_with_their_encoding(tasq, table, data, expected):
    [task] = table(make_task(args=data))

    [shown] = json.loads(tasq("show", str(task.id), "--json").out)
    for_people = tasq("show", str(task.id))

    assert shown["args"] == expected
    assert f"args      {expected['encoding']}, {len(data)} bytes" in for_people.out


def test_list_selects_by_every_option(tasq, table):
    wanted = make_task(status=TaskStatus.FAILED, queue="a", type="x", created_at=BORN)
    table(
        wanted,
        make_task(status=TaskStatus.NEW, queue="a", type="x", created_at=BORN),
        make_task(status=TaskStatus.FAILED, queue="A", type="x", created_at=BORN),
        make_task(status=TaskStatus.FAILED, queue="a", type="X", created_at=BORN),
        make_task(status=TaskStatus.FAILED, queue="a", type="x"),
    )

    options = ("--status", "failed", "--queue", "a", "--type", "x", "--older-than", "1d")
    by_options = tasq("list", *options, "-o", "ids")
    by_filter = tasq("list", "--where", "status:failed queue:a type:x created:>1d", "-o", "ids")
    by_groups = tasq("list", "--status", "successful,failed", "--queue", "A", "--json")

    assert by_options.lines == by_filter.lines == [str(wanted.id)]
    assert [task["queue"] for task in json.loads(by_groups.out)] == ["A"]


def test_list_gives_a_pipe_all_of_it_in_order(tasq, table):
    tasks = table(*(make_task(created_at=BORN + timedelta(seconds=n)) for n in range(1203)))
    oldest_first = [str(task.id) for task in tasks]

    assert tasq("list", "-o", "ids").lines == oldest_first[::-1]
    assert (
        tasq("list", "--order", "oldest", "-o", "ids", "--limit", "501").lines == oldest_first[:501]
    )
    assert len(tasq("list").lines) == 1204


@SQLITE
def test_every_form_says_the_same(tasq, table):
    tasks = table(*(make_task(created_at=BORN + timedelta(seconds=n)) for n in range(3)))
    ids = [str(task.id) for task in reversed(tasks)]

    as_array = json.loads(tasq("list", "--json").out)
    as_lines = [json.loads(line) for line in tasq("list", "-o", "ndjson").lines]
    as_csv = list(csv.DictReader(io.StringIO(tasq("list", "-o", "csv").out)))
    as_table = tasq("list").lines

    assert as_array == as_lines
    assert [task["id"] for task in as_array] == ids
    assert [row["id"] for row in as_csv] == ids
    assert json.loads(as_csv[0]["args"])["value"] == {"to": "a@example.org"}
    assert [line.split()[0] for line in as_table[1:]] == ids


@SQLITE
def test_nothing_found_is_an_empty_answer(tasq, repository):
    assert tasq("list", "--json").out == "[]\n"
    assert tasq("list", "-o", "ndjson").out == ""
    assert tasq("list", "-o", "csv").out.startswith("id,type,")
    assert tasq("list", "-o", "ids").out == ""


def test_stats_counts_by_status_and_what_holds_the_open_ones(tasq, table, repository):
    table(
        *make_tasks(3),
        make_task(visible_at=datetime.now(UTC) + timedelta(hours=1)),
        *make_tasks(2, status=TaskStatus.SUCCESSFUL),
        make_task(status=TaskStatus.FAILED),
        make_task(status=TaskStatus.IN_PROGRESS, visible_at=BORN, receive_count=1),
    )
    repository.poll_tasks("email", "mail", 600, limit=1)

    told = json.loads(tasq("stats", "--json").out)

    counts = told["counts"]
    assert sum(counts.values()) == told["groups"]["ALL"] == 8
    assert (counts["SUCCESSFUL"], counts["FAILED"]) == (2, 1)
    assert told["groups"] == {"ALL": 8, "OPEN": 5, "FINISHED": 3}
    assert told["health"]["delayed"] == 1
    assert told["health"]["leased"] == 1
    assert told["health"]["ready"] == 3


def test_stats_by_queue_names_each_queue(tasq, table):
    table(*make_tasks(2, queue="a"), make_task(queue="", status=TaskStatus.FAILED))

    rows = json.loads(tasq("stats", "--by", "queue", "--json").out)

    assert [(row["queue"], row["total"], row["FAILED"]) for row in rows] == [
        ("", 1, 1),
        ("a", 2, 0),
    ]
    assert tasq("stats", "--by", "type").out.splitlines()[1].split()[0] == "email"


def test_stats_timings_say_how_long_tasks_waited_and_ran(tasq, table, repository):
    """Wrong figures here send people after the wrong queue."""
    end = repository.now() - timedelta(seconds=30)
    times = {
        "created_at": end - timedelta(seconds=5), "started_at": end - timedelta(seconds=2),
        "finished_at": end,
    }  # fmt: skip
    table(
        *make_tasks(3, status=TaskStatus.SUCCESSFUL, **times),
        make_task(status=TaskStatus.FAILED, queue="b\x1b[31m", **times),
        make_task(queue="stuck"),
    )

    found = tasq("stats", "--by", "queue", "--timings")
    lines = found.out.splitlines()
    assert found.code == 0, found.err
    assert [line.split()[:3] for line in lines] == [
        ["QUEUE", "DONE", "FAILED"], ["b\\x1b[31m", "0", "1"], ["mail", "3", "0"], ["stuck", "0", "0"],
    ]  # fmt: skip
    assert lines[2].split()[3:9] == ["3.0s", "3.0s", "3.0s", "2.0s", "2.0s", "2.0s"]
    assert lines[3].split()[-2:] == ["1", "never"]

    (row,) = json.loads(tasq("stats", "--timings", "--since", "2h", "--json").out)
    assert (row["done"], row["failed"], row["wait_p95"], row["run_max"]) == (3, 1, 3.0, 2.0)
    assert tasq("stats", "--timings", "--since", "soon").code == 2


@SQLITE
def test_errors_are_grouped_by_what_they_have_in_common(tasq, table):
    failed = {"status": TaskStatus.FAILED, "finished_at": BORN}
    tasks = table(
        make_task(last_error="TimeoutError: after 12 s for 'a'", **failed),
        make_task(last_error="TimeoutError: after 99 s for 'b'", **failed),
        make_task(last_error="KeyError: 'x'", type="other", **failed),
    )

    groups = json.loads(tasq("errors", "--json").out)

    assert [(group["count"], group["types"]) for group in groups] == [
        (2, ["email"]),
        (1, ["other"]),
    ]
    assert groups[0]["message"] == "TimeoutError: after <n> s for <text>"
    assert set(tasq("errors", "-o", "ids").lines) == {str(task.id) for task in tasks}
    assert len(json.loads(tasq("errors", "--where", "type:other", "--json").out)) == 1


def test_show_tells_why_a_task_is_not_running(tasq, table, repository):
    ahead, ready, later = table(
        make_task(created_at=BORN),
        make_task(),
        make_task(visible_at=datetime.now(UTC) + timedelta(hours=2)),
    )

    assert "1 older one is before it" in tasq("show", str(ready.id)).out
    assert "is one running?" in tasq("show", str(ready.id)).out
    assert "not before" in tasq("show", str(later.id)).out
    repository.poll_tasks(None, None, 600, limit=1)
    assert "its lease ends in" in tasq("show", str(ahead.id)).out


@SQLITE
def test_shared_options_work_before_and_after_the_verb(tasq, table, database):
    table(make_task())
    given = ("--url", database.url, "--prefix", database.prefix)

    before = tasq(*given, "list", "-o", "ids", TASQ_URL="sqlite:////nowhere", TASQ_PREFIX="x")
    after = tasq("list", *given, "-o", "ids", TASQ_URL="sqlite:////nowhere", TASQ_PREFIX="x")
    both = tasq("--prefix", "wrong", "list", *given, "-o", "ids")

    assert before.lines == after.lines == both.lines
    assert len(before.lines) == 1


@SQLITE
def test_profiles_are_listed_without_their_passwords_and_used_by_name(tasq, table, database):
    table(make_task())
    (tasq.folder / "config.toml").write_text(
        f'default_profile = "here"\n[profiles.here]\nurl = "{database.url}"\n'
        f'prefix = "{database.prefix}"\n[profiles.prod]\nurl = "postgresql://a:secret@db/x"\n'
        "read_only = true\n"
    )
    (tasq.folder / "config.toml").chmod(0o600)

    listed = tasq("profiles")
    used = tasq("list", "-o", "ids", TASQ_URL=None, TASQ_PREFIX=None)

    assert "secret" not in listed.out + listed.err
    assert [line.split()[0] for line in listed.lines[1:]] == ["here", "prod"]
    assert len(used.lines) == 1, used.err


@SQLITE
def test_errors_say_which_part_was_read_and_take_retrying_ones_on_request(tasq, table):
    """A count of a part that looks like the whole hides how bad it is."""
    table(
        *make_tasks(5, status=TaskStatus.FAILED, last_error="KeyError: 1", finished_at=BORN),
        *make_tasks(2, last_error="KeyError: 2", receive_count=1),
        make_task(),
    )
    assert "the newest 3 of 5 failures" in tasq("errors", "--limit", "3").err
    assert "looked at" not in tasq("errors", "--limit", "5").err
    counts = [
        [group["count"] for group in json.loads(tasq("errors", "--json", *more).out)]
        for more in ([], ["--retrying"])
    ]
    assert counts == [[5], [7]]
