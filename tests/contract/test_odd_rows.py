"""Rows written by hand that can't be read: shown as they are, named once, and nobody's hindrance.

Today one such row stops a queue: its consumer ends with a TypeError, and so does every page.
"""

import logging
from typing import Any

import pytest

from tasq_core import Client, Repository, Task
from tasq_core.errors import InvalidInputError
from tasq_core.task import END_OF_TIME, IMMEDIATELY
from tasq_core.transfer import to_line
from tests.support.builders import make_tasks
from tests.support.databases import Database

SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

ODD: list[tuple[str, str]] = [
    ("id", "'0192f0c0-1111-4222-8333-444455556666'"),
    ("id", "x'0102'"),
    ("created_at", "'2026-11-26 09:00:00'"),
    ("started_at", "'yesterday'"),
    ("finished_at", "x'00ff'"),
    ("priority", "'high'"),
    ("max_receives", "'many'"),
    ("max_receives", "2.5"),
    ("visible_at", "1.0e300"),
]


@pytest.fixture
def filled(database: Database) -> tuple[Repository, list[Task]]:
    repository = database.open()
    repository.migrate()
    tasks = make_tasks(5, type="email", queue="mail")
    repository.submit_tasks(tasks)
    return repository, tasks


def spoil(database: Database, task: Task, column: str, value: str) -> None:
    database.execute(
        f"UPDATE {database.table} SET {column} = {value} WHERE id = ?", (task.id.bytes,)
    )


@SQLITE
@pytest.mark.parametrize(("column", "value"), ODD[:-1])
def test_a_row_that_cant_be_read_keeps_no_other_from_running(
    filled: tuple[Repository, list[Task]], database: Database, column: str, value: str, caplog
):
    repository, tasks = filled
    spoil(database, tasks[0], column, value)
    caplog.set_level(logging.ERROR, "tasq_core")

    claimed = [task.id for _ in range(3) for task in repository.poll_tasks("email", "mail", 30)]

    assert sorted(claimed) == sorted(task.id for task in tasks[1:])
    counts = database.execute(f"SELECT receive_count FROM {database.table}")
    assert sorted(count for (count,) in counts) == [0, 1, 1, 1, 1]
    assert len(caplog.records) == 1
    assert column in caplog.text
    assert "mend or delete the row" in caplog.text


@SQLITE
@pytest.mark.parametrize(("column", "value"), ODD)
def test_a_row_that_cant_be_read_is_shown_as_what_it_is(
    filled: tuple[Repository, list[Task]], database: Database, column: str, value: str
):
    repository, tasks = filled
    spoil(database, tasks[0], column, value)
    client = Client(repository)
    inspector = client.new_inspector()

    for found in (
        inspector.page().tasks, inspector.page(order="oldest").tasks, inspector.scan(),
    ):  # fmt: skip
        assert len(found) == 5
        odd = [task for task in found if task.unreadable]
        if value != "1.0e300":  # a time beyond the calendar is the last there is
            assert [column in (task.unreadable or "") for task in odd] == [True]
            assert "this row can't be read" in (odd[0].last_error or "")
    assert inspector.summary().open == 5
    assert len(list(inspector.export())) == (5 if value == "1.0e300" else 4)
    assert inspector.count() == 5
    assert sum(row.total for row in inspector.breakdown("queue")) == 5
    assert inspector.purge(True) >= 4


@SQLITE
def test_arguments_typed_as_text_are_read(
    filled: tuple[Repository, list[Task]], database: Database
):
    """The most natural thing to write in the sqlite3 shell."""
    repository, tasks = filled
    spoil(database, tasks[0], "args", """'{"to": "a@b.c"}'""")

    claimed = {task.id: task for task in repository.poll_tasks("email", "mail", 30)}

    assert len(claimed) == 5
    assert claimed[tasks[0].id].unmarshal_args() == {"to": "a@b.c"}


@SQLITE
def test_bytes_that_arent_utf8_are_shown_with_marks(
    filled: tuple[Repository, list[Task]], database: Database
):
    repository, tasks = filled
    spoil(database, tasks[0], "last_error", "CAST(x'636166e9' AS TEXT)")
    spoil(database, tasks[1], "type", "CAST(x'fffe' AS TEXT)")

    shown = {task.id: task for task in Client(repository).new_inspector().page().tasks}
    claimed = repository.poll_tasks("email", "mail", 30)

    assert shown[tasks[0].id].last_error == "caf\ufffd"
    assert shown[tasks[1].id].type == "\ufffd\ufffd"
    assert len(claimed) == 4
    assert {task.receive_count for task in claimed} == {1}


@SQLITE
def test_an_odd_row_cant_be_exported_as_another(
    filled: tuple[Repository, list[Task]], database: Database
):
    """Put back by an undo, it would be a different row."""
    repository, tasks = filled
    spoil(database, tasks[0], "priority", "'high'")
    (odd,) = repository.get_tasks([tasks[0].id])

    with pytest.raises(InvalidInputError, match="priority is text, 'high'; mend or delete"):
        to_line(odd)


@SQLITE
@pytest.mark.timeout(30)
def test_a_walk_over_many_odd_rows_ends(
    filled: tuple[Repository, list[Task]], database: Database, caplog
):
    repository, _ = filled
    caplog.set_level(logging.ERROR, "tasq_core")
    database.execute(
        f"INSERT INTO {database.table} (id, type, args, queue, priority, status, created_at)"
        " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
        " SELECT randomblob(16), 'email', x'31', 'mail', 0, 'NEW', 'never' FROM n"
    )
    inspector = Client(repository).new_inspector()

    assert len(list(inspector.export())) == 5
    assert len(inspector.errors()) == 0
    after, pages = None, 0
    while pages < 50:
        page = inspector.page(after=after, limit=100)
        after, pages = page.next, pages + 1
        if after is None:
            break
    assert pages < 50
    assert len(caplog.records) == 21


TIMES: dict[str, list[str]] = {
    "postgres": ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"],
    "mysql": ["0000-00-00 00:00:00", "2026-00-10 00:00:00"],
}


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
@pytest.mark.parametrize("column", ["started_at", "finished_at", "created_at"])
def test_times_that_no_calendar_holds_are_the_nearest_there_is(
    filled: tuple[Repository, list[Task]], database: Database, column: str
):
    repository, tasks = filled
    inspector = Client(repository).new_inspector()
    for value in TIMES[database.backend]:
        if database.backend == "mysql":
            database.execute("SET SESSION sql_mode = ''")
        raw: Any = tasks[0].id if database.backend == "postgres" else tasks[0].id.bytes
        database.execute(f"UPDATE {database.table} SET {column} = %s WHERE id = %s", (value, raw))

        (found,) = repository.get_tasks([tasks[0].id])

        assert getattr(found, column) in (IMMEDIATELY, END_OF_TIME)
        assert len(inspector.page().tasks) in (4, 5)  # BC comes before the first page's end
        assert len(inspector.scan()) == 5
        assert inspector.summary().open == 5
        assert repository.activity(IMMEDIATELY) == [] or column == "finished_at"
        assert len(list(inspector.export())) in (4, 5)
    assert len(repository.poll_tasks("email", "mail", 30)) == 5


@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_a_status_that_isnt_one_hides_no_others_counts(
    filled: tuple[Repository, list[Task]], database: Database
):
    """Breakdown, metrics and the app's queues ended in a traceback."""
    repository, tasks = filled
    database.execute("SET SESSION sql_mode = ''")
    database.execute(
        f"UPDATE {database.table} SET status = 'LOST' WHERE id = %s", (tasks[0].id.bytes,)
    )

    for by in ("queue", "type"):
        assert [row.total for row in repository.breakdown(by)] == [4]


def test_readable_rows_say_so(filled: tuple[Repository, list[Task]]):
    repository, tasks = filled

    assert all(task.unreadable is None for task in repository.get_tasks([t.id for t in tasks]))
