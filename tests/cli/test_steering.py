"""edit, cancel, undo, history and requeue --spread: what they do, say and refuse."""

import itertools
import json
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.filters import Filter
from tasq_core.task import IMMEDIATELY, TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.processes import python
from tests.support.terminal import Terminal


def only(repository):
    [task] = repository.page(Filter())
    return task


def test_an_edit_moves_what_matches_and_says_how_to_undo_it(tasq, table, repository):
    waiting, done = table(make_task(queue="bulk"), make_task(status=TaskStatus.FAILED))

    result = tasq(
        "edit", "--where", "queue:bulk,mail", "--queue", "mail", "--priority", "-5",
        "--max-receives", "3", "--args", '{"a": 1}', "--type", "e2", "--yes", "--json",
    )  # fmt: skip

    assert result.code == 6, result.err
    assert "edited 1, skipped 1 (held by a consumer, finished or so already)" in result.err
    record = json.loads(result.out)
    assert (record["verb"], record["done"], record["skipped"]) == ("edit", 1, 1)
    assert f"to undo: tasq undo {record['change']}\n" in result.err
    [row] = repository.get_tasks([waiting.id])
    assert (row.queue, row.priority, row.max_receives) == ("mail", -5, 3)
    assert (row.type, row.args) == ("e2", b'{"a":1}')
    assert repository.get_tasks([done.id]) == [done]


def test_times_of_an_edit_are_a_delay_a_moment_or_now(tasq, table, repository):
    [task] = table(make_task())
    id = str(task.id)

    assert tasq("edit", id, "--delay", "2h", "--yes").code == 0
    wait = only(repository).visible_at - repository.now()
    assert timedelta(hours=1, minutes=50) < wait < timedelta(hours=2)

    assert tasq("edit", id, "--at", "2199-01-02T03:04Z", "--yes").code == 0
    assert only(repository).visible_at == datetime(2199, 1, 2, 3, 4, tzinfo=UTC)

    past = tasq("edit", id, "--at", "2020-01-01T00:00Z", "--yes")
    assert (past.code, "is in the past: they can be claimed at once" in past.err) == (0, True)
    assert only(repository).visible_at == datetime(2020, 1, 1, tzinfo=UTC)

    assert tasq("edit", id, "--now", "--yes").code == 0
    assert only(repository).visible_at == IMMEDIATELY


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["edit", "{id}"], "nothing to edit"),
        (["edit", "--all", "--yes"], "nothing to edit: give --queue"),
        (["edit", "{id}", "--priority", "40000", "--yes"], "priority 40000 is out of range"),
        (["edit", "{id}", "--max-receives", "-1", "--yes"], "max_receives -1 is out of range"),
        (["edit", "{id}", "--delay", "soon", "--yes"], "--delay 'soon' is not a duration"),
        (["edit", "{id}", "--at", "soon", "--yes"], "--at 'soon' is not a time"),
        (["edit", "{id}", "--now", "--delay", "1h", "--yes"], "exclude each other"),
        (["edit", "{id}", "--args", "{{", "--yes"], "--args is not JSON"),
        (["edit", "{id}", "--queue", "x"], "there is no terminal to ask on: add --yes"),
        (["edit", "--queue", "x", "--yes"], "which tasks?"),
        (["cancel", "{id}"], "there is no terminal to ask on: add --yes"),
        (["cancel", "--yes"], "which tasks?"),
        (["requeue", "{id}", "--spread", "0"], "--spread"),
        (["requeue", "{id}", "--spread", "-5m"], "--spread"),
        (["undo"], "there is no terminal to ask on: add --yes"),
        (["undo", "--yes"], "nothing to undo"),
        (["undo", "deadbeef", "--yes"], "no change 'deadbeef' keeps rows"),
    ],
)
def test_what_cant_be_done_is_refused_in_words_and_changes_nothing(
    tasq, table, repository, words, says
):
    [task] = table(make_task())

    result = tasq(*(word.format(id=task.id) for word in words))

    assert (result.code, says in result.err) == (
        3 if words[0] == "undo" and words[-1] == "--yes" else 2,
        True,
    ), result.err
    assert "Traceback" not in result.err
    assert only(repository) == task


def test_a_leased_or_finished_task_alone_is_said_to_be_skipped(tasq, table, repository):
    table(make_task())
    [leased] = repository.poll_tasks("email", "mail", 600)

    result = tasq("edit", str(leased.id), "--queue", "x", "--yes")

    assert result.code == 1
    assert (
        "1 held by a consumer now, skipped" in tasq("edit", "--all", "--queue=x", "--dry-run").out
    )
    assert "edited 0, skipped 1" in result.err
    assert only(repository) == leased


def test_a_cancel_ends_running_tasks_too_and_says_so_before(tasq, table, repository):
    table(*make_tasks(2), make_task(status=TaskStatus.SUCCESSFUL))
    repository.poll_tasks("email", "mail", 600, limit=1)

    shown = tasq("cancel", "--all", "--dry-run")
    result = tasq("cancel", "--all", "--reason", "wrong day", "--yes")

    assert "1 held by a consumer now, whose run is ended" in shown.out
    assert "1 finished, skipped" in shown.out
    assert (result.code, "cancelled 2, skipped 1 (finished)" in result.err) == (6, True)
    errors = [task.last_error for task in repository.page(Filter())]
    assert sorted(map(str, errors)) == ["None", "cancelled: wrong day", "cancelled: wrong day"]


def test_spread_tasks_fall_due_one_after_another(tasq, table, repository):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    table(
        *(
            make_task(status=TaskStatus.FAILED, created_at=start + timedelta(minutes=place))
            for place in range(10)
        )
    )

    assert tasq("requeue", "--where", "status:failed", "--spread", "10m", "--yes").code == 0

    tasks = sorted(repository.page(Filter()), key=lambda task: task.created_at)
    due = [task.visible_at for task in tasks]
    assert [b - a for a, b in itertools.pairwise(due)] == [timedelta(minutes=1)] * 9
    assert timedelta(minutes=9) < due[-1] - repository.now() <= timedelta(minutes=10)


def test_an_undo_puts_the_last_change_back_and_history_says_so(tasq, table, repository):
    before = table(*make_tasks(3, queue="bulk"))
    edited = json.loads(tasq("edit", "--all", "--queue", "mail", "--yes", "--json").out)

    shown = tasq("undo", "--dry-run")
    undone = tasq("undo", "--yes", "--json")
    again = tasq("undo", edited["change"], "--yes")

    assert f"undo 3 tasks of change {edited['change']} (tasq edit" in shown.out
    assert (undone.code, json.loads(undone.out)["done"]) == (0, 3), undone.err
    assert sorted(map(str, repository.page(Filter()))) == sorted(map(str, before))
    assert (again.code, "is undone already, by change" in again.err) == (1, True)
    listed = [json.loads(line) for line in tasq("history", "-o", "ndjson").lines]
    assert [entry["verb"] for entry in listed] == ["undo", "edit"]
    assert listed[1]["undone_by"] == listed[0]["change"]
    assert listed[1]["command"].endswith("--all --queue=mail --yes")
    assert "undone by" in tasq("history").out


def test_an_undo_of_rows_that_went_on_puts_none_back(tasq, table, repository):
    table(make_task(status=TaskStatus.FAILED))
    tasq("requeue", "--all", "--yes")
    [task] = repository.poll_tasks("email", "mail", 600)
    repository.register_finish(task, TaskStatus.SUCCESSFUL)

    result = tasq("undo", "--yes")

    assert result.code == 1
    assert "put back 0, skipped 1 (changed since, or held by a consumer)" in result.err
    assert only(repository).status is TaskStatus.SUCCESSFUL


def test_a_change_of_another_database_isnt_undone_here(tasq, table, tmp_path):
    table(make_task())
    change = json.loads(tasq("edit", "--all", "--queue", "x", "--yes", "--json").out)["change"]
    elsewhere = {"TASQ_URL": f"sqlite:///{tmp_path}/other.db", "TASQ_PREFIX": ""}
    assert tasq("migrate", **elsewhere).code == 0

    result = tasq("undo", change, "--yes", **elsewhere)

    assert result.code == 2
    assert f"change {change} was made on" in result.err
    assert tasq("history", "-o", "ndjson", **elsewhere).lines == []


def test_the_commands_of_history_do_the_same_on_a_copy(tasq, table, tmp_path, repository):
    table(*make_tasks(5, queue="bulk"), make_task(status=TaskStatus.FAILED, queue="late"))
    copy = {"TASQ_URL": f"sqlite:///{tmp_path}/copy.db", "TASQ_PREFIX": ""}
    tasq("migrate", **copy)
    tasq("import", "-", stdin=tasq("export", "--all").out, **copy)
    tasq("edit", "--where", "queue:bulk", "--queue", "it's", "--args", '["a b"]', "--yes")
    tasq("requeue", "--where", "queue:late", "--reset", "--yes")
    tasq("cancel", "--where", "queue:late", "--reason", "no 'more'", "--yes")

    for line in reversed(tasq("history", "-o", "ndjson").lines):
        words = shlex.split(json.loads(line)["command"])[1:]
        at = words.index("--url")
        del words[at : at + 2]
        at = words.index("--prefix")
        del words[at : at + 2]
        assert tasq(*words, **copy).code == 0

    def rows(**env):
        found = [json.loads(line) for line in tasq("export", "--all", **env).lines]
        return [{**row, "finished_at": bool(row["finished_at"])} for row in found]

    assert rows(**copy) == rows()


@pytest.mark.pty
def test_an_editor_opens_on_one_task_and_what_it_changed_is_applied(tasq, table, repository):
    [task] = table(make_task(args=b'{"to":"a"}', queue="# vim: set x:"))
    editor = tasq.folder / "editor.py"
    editor.write_text(
        "import re, sys, pathlib\n"
        "file = pathlib.Path(sys.argv[1])\n"
        'text = file.read_text().replace(\'"to": "a"\', \'"to": "b"\')\n'
        "text = text.replace('priority = 0', 'priority = 7')\n"
        "file.write_text(text.replace('\"at once\"\\nargs', '\"in 2h\"\\nargs'))\n"
    )
    command = " ".join(python(str(editor)))

    with Terminal(
        python("-m", "tasq_tui", "edit", str(task.id), "--yes"),
        env=tasq.env | {"EDITOR": command}, cwd=tasq.folder,
    ) as terminal:  # fmt: skip
        assert terminal.wait() == 0

    row = only(repository)
    assert (row.priority, row.args, row.queue) == (7, b'{"to":"b"}', task.queue)
    assert row.visible_at > repository.now() + timedelta(hours=1)
    [command_of] = [json.loads(line)["command"] for line in tasq("history", "-o", "ndjson").lines]
    assert "--priority=7" in command_of


@pytest.mark.pty
@pytest.mark.parametrize(
    ("editor", "ended"),
    [
        ("true", (0, "nothing was changed in the editor")),
        ("false", (1, "the editor ended with 1")),
        ("no-such-editor-here", (1, "can't start the editor")),
    ],
)
def test_an_editor_that_changes_nothing_or_fails_changes_nothing(
    tasq, table, repository, editor, ended
):
    code, says = ended
    [task] = table(make_task())
    with Terminal(
        python("-m", "tasq_tui", "edit", str(task.id)),
        env=tasq.env | {"VISUAL": editor}, cwd=tasq.folder, columns=100,
    ) as terminal:  # fmt: skip
        assert says in terminal.wait_for(says)
        assert terminal.wait() == code
    assert only(repository) == task
