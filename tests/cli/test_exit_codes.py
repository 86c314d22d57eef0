"""Every exit code, from the real command."""

import signal
import uuid

import pytest

from tasq_core.task import TaskStatus
from tests.support.builders import make_task
from tests.support.wait import wait_until

pytestmark = pytest.mark.usefixtures("database")
SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def test_done_is_0(tasq, table):
    [task] = table(make_task(status=TaskStatus.FAILED))

    assert tasq("list").code == 0
    assert tasq("requeue", str(task.id)).code == 0


def test_a_missing_table_is_1_and_names_the_verb_that_makes_it(tasq):
    result = tasq("list")

    assert result.code == 1
    assert "tasq migrate" in result.err
    assert result.out == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lst"], "No such command 'lst'"),
        (["list", "--nope"], "No such option"),
        (["list", "--where", "status:nope"], "status:nope"),
        (["list", "--where", ""], "--where is empty"),
        (["list", "--order", "random"], "use one of newest, oldest, last-finished"),
        (["list", "--limit", "-1"], "'--limit'"),
        (["list", "ab12", "--where", "is:ready"], "not both"),
        (["list", "not-an-id"], "'not-an-id' is not a task id"),
        (["requeue"], "which tasks?"),
        (["delete"], "which tasks?"),
        (["purge"], "which tasks?"),
        (["export"], "which tasks?"),
        (["purge", "--all", "--status", "new"], "--all means all tasks"),
        (["delete", "--all"], "add --yes"),
        (["clean", "--age", "soon"], "is not a duration"),
        (["stats", "--by", "color"], "use queue or type"),
        (["stats", "-o", "xml"], "xml"),
        (["submit"], "Missing argument"),
        (["submit", "email", "--args", "{nope"], "not JSON"),
        (["submit", "email", "--args", "@missing.json"], "missing.json"),
        (["submit", "email", "--priority", "40000"], "priority 40000"),
        (["submit", "email", "--codec", "xml"], "unknown codec 'xml'"),
        (["submit", "email", "--delay", "later"], "is not a duration"),
        (["import", "missing.ndjson"], "no file 'missing.ndjson'"),
        (["work", "nothing:here"], "no module 'nothing'"),
        (["work", "m", "--once", "--drain"], "one of them"),
        (["metrics", "--serve", "host:port"], "not an address"),
        (["list", "--prefix", "no-prefix"], "'no-prefix'"),
        (["list", "--url", "oracle://x"], "unknown database in 'oracle"),
        (["list", "--profile", "nope"], "no profile 'nope'"),
        (["demo", "--url", "sqlite://"], "leave out --url"),
    ],
)
@SQLITE
def test_wrong_usage_is_2_and_says_what_is_wrong(tasq, repository, arguments, told):
    repository.submit_tasks([make_task(), make_task()])

    result = tasq(*arguments)

    assert (result.code, result.out) == (2, "")
    assert told in result.err
    assert "Traceback" not in result.err
    assert repository.count_tasks(None, None, None) == 2


@SQLITE
def test_a_bad_filter_is_shown_with_a_caret_below_its_mistake(tasq):
    result = tasq("list", "--where", "queue:mail stat:failed")

    first, shown, caret = result.err.splitlines()
    assert result.code == 2
    assert "did you mean status:" in first
    assert shown == "  queue:mail stat:failed"
    assert caret == "             ^"


@SQLITE
def test_without_a_verb_and_without_a_terminal_help_is_shown_and_it_is_2(tasq):
    result = tasq()

    assert (result.code, result.out) == (2, "")
    assert "Verbs:" in result.err


@SQLITE
def test_looking_at_a_file_that_is_not_there_does_not_make_it(tasq):
    url = f"sqlite:///{tasq.folder}/typo.db"

    for arguments in (["stats"], ["list"], ["doctor"], ["purge", "--all", "--yes"]):
        result = tasq(*arguments, "--url", url)
        assert (result.code, "tasq migrate" in result.err) == (1, True), arguments
    assert tasq("migrate", "--plan", "--url", url).code == 0
    assert not (tasq.folder / "typo.db").exists()
    assert tasq("migrate", "--url", url).code == 0


def test_an_id_that_no_task_has_is_3(tasq, table):
    table(make_task())

    for verb in ("show", "requeue", "delete", "list"):
        yes = ["--yes"] if verb == "delete" else []
        result = tasq(verb, str(uuid.uuid4()), *yes)
        assert (result.code, result.out) == (3, ""), verb
    assert tasq("show", "00").code in (0, 3)


@SQLITE
def test_a_beginning_shared_by_two_ids_is_2_and_names_both(tasq, table):
    first = uuid.UUID("aaaa0000-0000-4000-8000-000000000001")
    second = uuid.UUID("aaaa0000-0000-4000-8000-000000000002")
    table(make_task(id=first), make_task(id=second))

    result = tasq("delete", "aaaa", "--yes")

    assert result.code == 2
    assert str(first) in result.err
    assert str(second) in result.err


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
def test_a_statement_that_takes_too_long_is_4(tasq, database, repository):
    repository.submit_tasks([make_task()])
    connection = database.connect()
    cursor = connection.cursor()
    cursor.execute(
        f"LOCK TABLE {database.table} IN ACCESS EXCLUSIVE MODE"
        if database.backend == "postgres"
        else f"LOCK TABLES {database.table} WRITE"
    )

    result = tasq("stats", "--timeout", "1")

    connection.rollback()
    if database.backend == "mysql":
        cursor.execute("UNLOCK TABLES")
    assert (result.code, result.out) == (4, "")


@SQLITE
def test_a_drain_that_is_not_done_in_time_is_4(tasq, repository):
    (tasq.folder / "jobs.py").write_text(
        "def stuck(task):\n    raise ValueError\nhandlers = {'email': stuck}\n"
    )
    repository.submit_tasks([make_task()])

    result = tasq("work", "jobs", "--drain", "--within", "1s", "--retry-backoff", "0s")

    assert result.code == 4
    assert "not done within 1 s" in result.err


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:secret@127.0.0.1:1/db",
        "mysql://app:secret@127.0.0.1:1/db",
    ],
)
@SQLITE
def test_a_database_that_cannot_be_reached_is_5_and_the_password_is_not_shown(tasq, url):
    result = tasq("stats", "--url", url)

    assert (result.code, result.out) == (5, "")
    assert "secret" not in result.err


def test_what_was_skipped_makes_it_6(tasq, table, repository):
    done, leased = table(make_task(), make_task())
    repository.poll_tasks(None, None, 600, limit=1)

    result = tasq("delete", str(done.id), str(leased.id), "--yes")

    assert result.code == 6
    assert "deleted 1, skipped 1 (leased)" in result.err


def test_where_all_was_skipped_it_is_1(tasq, table, repository):
    [task] = table(make_task())
    repository.poll_tasks(None, None, 600)

    assert tasq("requeue", str(task.id), "--yes").code == 1
    assert tasq("delete", str(task.id), "--yes", "--include-leased").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["requeue", "--all", "--yes"],
        ["delete", "--all", "--yes"],
        ["purge", "--all", "--yes"],
        ["clean", "--yes"],
        ["submit", "email"],
        ["migrate"],
        ["import", "-"],
        ["work", "jobs:tool"],
    ],
)
@SQLITE
def test_a_change_of_a_read_only_database_is_7_before_anything_is_done(tasq, repository, arguments):
    repository.submit_tasks([make_task()])
    (tasq.folder / "jobs.py").write_text("tool = {'email': print}")

    before, after = tasq("--read-only", *arguments), tasq(*arguments, TASQ_READ_ONLY="1")

    assert (before.code, after.code) == (7, 7)
    assert "read-only" in before.err
    assert not tasq.trash


def test_reading_a_read_only_database_is_0(tasq, table):
    table(make_task())

    result = tasq("list", "--read-only", "-o", "ids")

    assert (result.code, len(result.lines)) == (0, 1)


@SQLITE
def test_ctrl_c_while_watching_is_130(tasq, repository, start_process):
    running = tasq.start("stats", "--watch", "30")
    try:
        running.wait_for_output("ready")
        running.signal(signal.SIGINT)

        assert running.wait() == 130
        assert "Traceback" not in running.stderr
    finally:
        running.close()


@SQLITE
def test_a_sqlite_file_that_cannot_be_made_is_5(tasq):
    result = tasq("migrate", "--url", "sqlite:////no/such/folder/tasks.db")

    assert (result.code, "/no/such/folder" in result.err) == (5, True)


@SQLITE
def test_a_reader_that_goes_away_is_no_error(tasq, repository):
    import subprocess

    from tests.support.processes import clean_environment, python

    repository.submit_tasks([make_task(args=b"x" * 500) for _ in range(3000)])
    listing = subprocess.Popen(
        python("-m", "tasq_tui", "list", "-o", "ndjson"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(**tasq.env),
    )
    assert listing.stdout is not None
    listing.stdout.readline()
    listing.stdout.close()

    wait_until(lambda: listing.poll() is not None, 20)
    assert listing.stderr is not None
    assert (listing.returncode, listing.stderr.read()) == (0, b"")
    listing.stderr.close()
