"""requeue, delete, purge and clean on every database: what they do, and what they leave alone."""

import json
import shlex
import signal
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tasq_core.filters import Filter
from tasq_core.task import Task, TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.processes import clean_environment, python
from tests.support.wait import wait_until

OLD = datetime.now(UTC) - timedelta(days=2)


def rows(tasq):
    """The whole table, every column, oldest first."""
    result = tasq("export", "--all")
    assert result.code == 0, result.err
    return result.lines


def statuses(repository):
    return {task.id: task.status for task in repository.page(Filter(), limit=1000)}


def test_requeue_of_a_filter_touches_what_matches_only(tasq, table, repository):
    failed, other, done = table(
        make_task(status=TaskStatus.FAILED, last_error="timeout: a"),
        make_task(status=TaskStatus.FAILED, last_error="refused"),
        make_task(status=TaskStatus.SUCCESSFUL, last_error="timeout: b"),
    )

    result = tasq("requeue", "--where", "status:failed error:timeout", "--yes", "--json")

    assert result.code == 0, result.err
    assert json.loads(result.out)["done"] == 1
    assert statuses(repository) == {
        failed.id: TaskStatus.NEW, other.id: TaskStatus.FAILED, done.id: TaskStatus.SUCCESSFUL,
    }  # fmt: skip


def test_requeue_gives_one_more_receive_and_reset_begins_anew(tasq, table, repository):
    used = {"status": TaskStatus.FAILED, "receive_count": 3, "max_receives": 3, "last_error": "x"}
    one, two = table(make_task(**used), make_task(**used))

    tasq("requeue", str(one.id))
    tasq("requeue", "--reset", str(two.id))

    [once_more, anew] = repository.get_tasks([one.id, two.id])
    assert (once_more.max_receives, once_more.receive_count) == (4, 3)
    assert (anew.max_receives, anew.receive_count, anew.last_error) == (3, 0, None)


def test_ids_are_read_from_standard_input(tasq, table, repository):
    tasks = table(*make_tasks(3, status=TaskStatus.FAILED))
    listed = tasq("list", "--status", "failed", "-o", "ids")

    result = tasq("requeue", "-", "--yes", stdin=listed.out)

    assert result.code == 0, result.err
    assert "requeued 3" in result.err
    assert set(listed.lines) == {str(task.id) for task in tasks}
    assert set(statuses(repository).values()) == {TaskStatus.NEW}


def test_no_ids_on_standard_input_is_nothing_to_do(tasq, table, repository):
    table(*make_tasks(2))

    result = tasq("delete", "-", "--yes", stdin="")

    assert (result.code, "deleted 0" in result.err) == (0, True)
    assert repository.count(Filter()) == 2


def test_a_dry_run_counts_shows_a_sample_and_changes_nothing(tasq, table, repository):
    table(*make_tasks(7, queue="mail", created_at=OLD), make_task(queue="other"))

    shown = tasq("purge", "--queue", "mail", "--dry-run")
    counted = json.loads(tasq("purge", "--queue", "mail", "--dry-run", "--json").out)

    assert (shown.code, shown.err) == (0, "")
    assert "purge 7 tasks" in shown.out
    assert "queue:mail" in shown.out
    assert "… and 2 more" in shown.out
    assert (counted["count"], counted["by_status"], counted["dry_run"]) == (7, {"NEW": 7}, True)
    assert len(counted["sample"]) == 5
    assert repository.count(Filter()) == 8
    assert not tasq.trash


def test_deleted_rows_come_back_from_the_trash_as_they_were(tasq, table, repository):
    table(
        make_task(status=TaskStatus.FAILED, last_error="a\nb\t\x1b[31m", priority=-7),
        make_task(args=bytes(range(256)), type="søk", queue="", max_receives=3),
    )
    before = rows(tasq)

    deleted = tasq("delete", "--all", "--yes")
    gone = repository.count(Filter())
    restored = tasq("import", str(tasq.trash[0]))

    assert (deleted.code, gone, restored.code) == (0, 0, 0)
    assert f"tasq import {tasq.trash[0]}" in deleted.err
    assert tasq.trash[0].stat().st_mode & 0o777 == 0o600
    assert rows(tasq) == before


def test_without_trash_nothing_is_kept(tasq, table):
    table(make_task())

    result = tasq("delete", "--all", "--yes", "--no-trash", "--json")

    assert json.loads(result.out)["trash"] is None
    assert not tasq.trash


def test_what_a_consumer_holds_is_spared_unless_told_otherwise(tasq, table, repository):
    table(make_task())
    repository.poll_tasks(None, None, 600)

    spared = tasq("purge", "--all", "--yes")
    still_there = repository.count(Filter())
    taken = tasq("purge", "--all", "--yes", "--include-leased")

    assert (spared.code, still_there) == (1, 1)
    assert "skipped 1 (leased)" in spared.err
    assert (taken.code, repository.count(Filter())) == (0, 0)


def test_clean_deletes_finished_tasks_of_that_age_only(tasq, table, repository):
    old, young, unfinished = table(
        make_task(status=TaskStatus.SUCCESSFUL, created_at=OLD, finished_at=OLD),
        make_task(status=TaskStatus.FAILED),
        make_task(created_at=OLD),
    )

    result = tasq("clean", "--age", "1d", "--yes")

    assert result.code == 0, result.err
    assert set(statuses(repository)) == {young.id, unfinished.id}
    assert str(old.id) in tasq.trash[0].read_text()


def test_clean_counts_from_the_end_of_a_task(tasq, table, repository):
    """A task that ran for two days and ended a minute ago was deleted by --age 1d."""
    just_ended, created_late = table(
        make_task(status=TaskStatus.FAILED, created_at=OLD, finished_at=datetime.now(UTC)),
        make_task(status=TaskStatus.SUCCESSFUL, created_at=OLD, finished_at=OLD),
    )

    by_status = tasq("clean", "--age", "1d", "--status", "failed", "--yes")
    by_end = tasq("clean", "--age", "1d", "--yes", "--json")
    left = set(statuses(repository))
    as_go = tasq("clean", "--age", "1d", "--from", "created", "--yes")

    assert (by_status.code, by_end.code, as_go.code) == (0, 0, 0)
    assert json.loads(by_end.out)["done"] == 1
    assert left == {just_ended.id} != {created_late.id}
    assert statuses(repository) == {}
    assert tasq("clean", "--status", "new", "--yes").code == 2
    assert tasq("clean", "--from", "birth", "--yes").code == 2


@pytest.mark.parametrize(("order", "places"), [([], [2, 3]), (["--order", "oldest"], [0, 1])])
@pytest.mark.parametrize("verb", ["list", "export", "requeue", "delete", "purge"])
def test_every_verb_picks_the_same_rows_for_the_same_selection(
    tasq, table, repository, *, verb, order, places
):
    """list showed the newest and delete took the oldest: what was seen was not what went."""
    ages = [timedelta(hours=hours) for hours in (4, 3, 2, 1)]
    tasks = table(*(make_task(created_at=OLD - age, status=TaskStatus.FAILED) for age in ages))
    wanted = {tasks[place].id for place in places}
    selection = ["--status", "failed", "--limit", "2", *order]

    if verb == "list":
        result = tasq("list", *selection, "-o", "ids")
        touched = {UUID(line) for line in result.lines}
    elif verb == "export":
        result = tasq("export", *selection)
        touched = {UUID(json.loads(line)["id"]) for line in result.lines}
    else:
        result = tasq(verb, *selection, "--yes")
        left = statuses(repository)
        touched = {task.id for task in tasks if left.get(task.id) is not TaskStatus.FAILED}

    assert result.code == 0, result.err
    assert touched == wanted


def test_an_order_that_is_none_is_refused_by_every_verb(tasq, table, repository):
    table(make_task())

    for verb in ("list", "export", "requeue", "delete", "purge"):
        assert tasq(verb, "--all", "--order", "random").code == 2, verb
    assert repository.count(Filter()) == 1


def test_count_counts_and_a_limit_stops_it(tasq, table):
    one, *_ = table(*make_tasks(3, queue="mail"), make_task(queue="other"))

    assert tasq("count").out == "4\n"
    assert tasq("count", "--queue", "mail").out == "3\n"
    assert tasq("count", "--queue", "mail", "--limit", "2").out == "2\n"
    assert tasq("count", str(one.id), str(UUID(int=3))).out == "1\n"
    counted = json.loads(tasq("count", "--where", "queue:mail", "--json").out)
    assert counted == {"count": 3, "filter": "queue:mail"}


def test_tasks_that_arrive_meanwhile_are_never_touched(tasq, database, repository):
    waiting = [make_task(status=TaskStatus.NEW, created_at=OLD) for _ in range(4000)]
    repository.submit_tasks(waiting)
    arrived: list[Task] = []
    stop = threading.Event()
    producing = database.open()

    def produce() -> None:
        while not stop.wait(0.01):
            batch = [Task.new("email", None, "mail") for _ in range(5)]
            producing.submit_tasks(batch)
            arrived.extend(batch)

    producer = threading.Thread(target=produce)
    producer.start()
    running = tasq.start("purge", "--where", "status:new queue:mail", "--yes", "--json")
    try:
        wait_until(lambda: tasq.trash, 20)
        frozen_at = repository.now()
        assert running.wait(60) == 0
    finally:
        stop.set()
        producer.join()
        running.close()

    left = {task.id for task in repository.page(Filter(), limit=100_000)}
    later = {task.id for task in arrived if task.created_at > frozen_at}
    assert later
    assert later <= left
    assert not left & {task.id for task in waiting}


def test_a_requeue_of_waiting_tasks_ends(tasq, repository):
    repository.submit_tasks(make_tasks(1200))

    result = tasq("requeue", "--status", "new", "--yes", "--json", timeout=30)

    assert json.loads(result.out)["done"] == 1200


@pytest.mark.slow
def test_an_interrupted_purge_goes_on_and_is_undone_byte_for_byte(tasq, database, repository):
    count = 50_000 if database.backend == "sqlite" else 20_000
    repository.submit_tasks(
        [make_task(args=b"\x00\xff%d" % number, priority=number % 9) for number in range(count)]
    )
    database.execute(
        f"UPDATE {database.table} SET status = 'FAILED', last_error = 'no\u00eb', receive_count = 2"
        " WHERE priority > 4"
    )
    before = rows(tasq)

    running = tasq.start("purge", "--where", "status:new,failed", "--yes")
    try:
        wait_until(lambda: tasq.trash and tasq.trash[0].stat().st_size > 100_000, 30)
        running.signal(signal.SIGINT)
        code, told = running.wait(30), running.stderr
    finally:
        running.close()
    left = repository.count(Filter())
    resumed = tasq("purge", "--where", "status:new,failed", "--yes", "--json")
    restored = tasq("import", *map(str, tasq.trash), timeout=120)

    assert code == 130
    assert 0 < left < count
    assert f"deleted {count - left:,}; stopped, {left:,} left" in told
    assert json.loads(resumed.out)["done"] == left
    assert restored.code == 0, restored.err
    assert f"imported {count:,}" in restored.err
    assert rows(tasq) == before


def test_every_change_is_written_to_the_databases_history(tasq, table, database):
    [task] = table(make_task())

    tasq("delete", str(task.id), "--yes")

    [log] = tasq.state.glob("databases/*/history.jsonl")
    [entry] = [json.loads(line) for line in log.read_text().splitlines()]
    assert (entry["done"], entry["skipped"], entry["outcome"]) == (1, 0, "done")
    assert entry["command"].startswith("tasq delete")
    assert str(task.id) in entry["command"]
    assert entry["trash"] == str(tasq.trash[0])
    assert "tasq:tasq@" not in entry["target"]


def test_the_historys_command_of_many_ids_repeats_the_change_as_it_stands(tasq, table):
    """It would read ids from a standard input that nobody has any more."""
    tasks = table(*make_tasks(25))
    assert tasq("delete", *(str(task.id) for task in tasks), "--yes").code == 0
    assert tasq("undo", "--yes").code == 0
    assert len(rows(tasq)) == 25

    [_, deletion] = json.loads(tasq("history", "--json").out)
    script = deletion["command"].replace(
        "tasq delete", f"{shlex.join(python())} -m tasq_tui delete"
    )
    ran = subprocess.run(
        ["sh", "-c", script], env=clean_environment(**tasq.env), cwd=tasq.folder, check=False,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert rows(tasq) == []
