"""export and import: nothing is lost, between any two databases."""

import json
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tasq_core.task import IMMEDIATELY, Task, TaskStatus
from tests.support.builders import make_task
from tests.support.databases import BACKENDS, Database, external_url
from tests.support.processes import Process, python

BORN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
EDGES = [
    Task(UUID(int=1), "", b"", created_at=IMMEDIATELY),
    Task(UUID(int=2), "søk \u202e\n\t", bytes(range(256)) * 5, "q" * 300, created_at=BORN),
    Task(
        UUID(int=3), "t", b"null", "q", 32767, TaskStatus.SUCCESSFUL, 2**31 - 1, 2**31 - 1,
        "é\u0301 error", BORN, BORN + timedelta(microseconds=1), BORN + timedelta(days=9000), BORN,
    ),
    Task(UUID(int=4), "T", b"[]", "Q", -32768, TaskStatus.IN_PROGRESS, 1, 0, "", BORN, BORN),
]  # fmt: skip


@pytest.mark.slow
def test_a_table_goes_round_all_databases_unchanged(tasq, tmp_path, request):
    """SQLite to PostgreSQL to MariaDB to SQLite, by pipes of the real command."""
    stops = []
    for backend in (*BACKENDS, "sqlite"):
        if backend == "sqlite":
            stops.append(Database.in_file(tmp_path / f"stop{len(stops)}.db"))
        else:
            url = external_url(backend) or request.getfixturevalue(f"_shared_{backend}").url
            stops.append(Database(backend, url))
    try:
        for stop in stops:
            stop.client().migrate()
        stops[0].open().restore_tasks(EDGES)
        exports = [export_of(tasq, stops[0])]
        for stop in stops[1:]:
            imported = tasq("import", "-", *place(stop), stdin=exports[-1])
            assert imported.code == 0, imported.err
            exports.append(export_of(tasq, stop))
    finally:
        for stop in stops:
            stop.close()

    assert exports[0].count("\n") == len(EDGES)
    assert len(set(exports)) == 1


def place(database):
    return ("--url", database.url, "--prefix", database.prefix)


def export_of(tasq, database):
    result = tasq("export", "--all", *place(database))
    assert result.code == 0, result.err
    return result.out


def test_importing_twice_changes_nothing(tasq, table, repository):
    [task] = table(make_task(status=TaskStatus.FAILED))
    exported = tasq("export", "--all").out
    repository.requeue_tasks([task.id])

    again = tasq("import", "-", "--json", stdin=exported)

    assert (again.code, json.loads(again.out)["skipped"]) == (0, 1)
    assert repository.get_tasks([task.id])[0].status is TaskStatus.NEW


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_broken_line_is_named_and_what_came_before_stands(tasq, table, repository):
    table(*(make_task() for _ in range(600)))
    lines = tasq("export", "--all").lines
    repository.purge_tasks(None, None, None, False)
    lines[550] = '{"id": 1}'

    result = tasq("import", "-", stdin="\n".join(lines))

    assert result.code == 6
    assert "line 551 is not an exported task" in result.err
    assert repository.count_tasks(None, None, None) == 500


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_big_table_streams_in_flat_memory(tasq, repository):
    repository.submit_tasks(make_task(args=b"x" * 2000) for _ in range(30_000))
    small, big = peak(tasq, "--limit", "600"), peak(tasq)

    assert big - small < 40_000, f"{small} kB for 600 tasks, {big} kB for 30,000"


def peak(tasq, *options):
    """The most memory, in kB, that an export took; 60 MB of rows go through it."""
    command = python("-m", "tasq_tui", "export", "--all", *options)
    running = Process(command, env=tasq.env, cwd=tasq.folder)  # a child, of which wait4 tells
    try:
        _, status, usage = os.wait4(running.pid, 0)
    finally:
        running.close()
    assert status == 0
    return usage.ru_maxrss
