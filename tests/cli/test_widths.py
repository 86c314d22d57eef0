"""Tables fit a narrow terminal: what matters least leaves first, nothing runs over the edge."""

import os

import pytest

import tasq_core
from tasq_core.task import TaskStatus
from tasq_tui.cli import app, output
from tests.support.builders import make_task


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs `tasq` in this process as on a terminal of some columns; what it printed."""
    url = f"sqlite:///{tmp_path}/tasks.db"
    with tasq_core.connect(url) as client:
        client.migrate()
        failed = {
            "status": TaskStatus.FAILED,
            "last_error": "ConnectionError: the warehouse doesn't answer",
            "finished_at": client.repository.now(),
        }
        waiting = make_task(type="invoice.create", queue="billing")
        ended = make_task(type="webhook.deliver", queue="webhooks", **failed)
        client.repository.restore_tasks([waiting, ended])
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")

    def run(columns, *arguments):
        monkeypatch.setattr(output, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
        assert app.run(["--url", url, *arguments]) == 0
        return capsys.readouterr().out

    return run


TABLES = [("list",), ("stats", "--by", "queue"), ("errors",)]


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize("verb", TABLES, ids=" ".join)
def test_a_table_fits_its_terminal(run, columns, verb):
    """`COLUMNS=40` overflowed: wrapped lines are read as rows of their own."""
    lines = run(columns, *verb).splitlines()

    assert len(lines) >= 2
    assert max(map(len, lines)) <= columns


def test_what_matters_most_stays_on_forty_columns(run):
    title, *rows = run(40, "list").splitlines()

    assert title.split() == ["ID", "STATUS", "TYPE", "AGE"]
    assert {row.split()[1] for row in rows} == {"NEW", "FAILED"}
    assert {"NEW", "FAILED"} <= set(run(40, "stats", "--by", "queue").splitlines()[0].split())


def test_wider_terminals_show_every_column(run):
    title = run(120, "list").splitlines()[0].split()

    assert title == ["ID", "STATUS", "TYPE", "QUEUE", "PRIO", "ATTEMPTS", "AGE", "ERROR"]
