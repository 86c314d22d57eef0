"""What is asked on a terminal before a change, and what the answers do."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.filters import Filter
from tasq_core.task import TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.processes import python
from tests.support.terminal import Terminal

pytestmark = [
    pytest.mark.pty,
    pytest.mark.parametrize("backend", ["sqlite"], indirect=True),
]


@contextmanager
def at_terminal(tasq, *arguments, columns=100, rows=40):
    with Terminal(
        python("-m", "tasq_tui", *arguments), columns=columns, rows=rows, env=tasq.env,
        cwd=tasq.folder,
    ) as terminal:  # fmt: skip
        yield terminal


def test_one_requeue_is_not_asked_about(tasq, table, repository):
    [task] = table(make_task(status=TaskStatus.FAILED))

    with at_terminal(tasq, "requeue", str(task.id)) as terminal:
        assert terminal.wait() == 0

    assert repository.get_tasks([task.id])[0].status is TaskStatus.NEW


def test_a_delete_shows_what_it_would_do_and_no_is_the_default(tasq, table, repository):
    [task] = table(make_task(type="email", status=TaskStatus.FAILED, last_error="smtp: gone"))

    with at_terminal(tasq, "delete", "--where", "status:failed") as terminal:
        screen = terminal.wait_for("go on? [y/N]")
        terminal.send("Enter")
        code = terminal.wait()
        said = terminal.screen()

    assert code == 1
    assert "delete 1 task in sqlite:" in screen
    assert "status:failed" in screen
    assert str(task.id) in screen
    assert "smtp: gone" in screen
    assert "declined; nothing was changed" in said
    assert repository.count(Filter()) == 1


def test_yes_at_the_prompt_does_it(tasq, table, repository):
    table(make_task())

    with at_terminal(tasq, "delete", "--where", "status:new") as terminal:
        terminal.wait_for("go on? [y/N]")
        terminal.type("y")
        terminal.send("Enter")
        assert terminal.wait() == 0

    assert repository.count(Filter()) == 0


@pytest.mark.parametrize(("answer", "code", "left"), [("3", 0, 0), ("y", 1, 3), ("", 1, 3)])
def test_a_purge_wants_the_number_typed(tasq, table, repository, *, answer, code, left):
    table(*make_tasks(3))

    with at_terminal(tasq, "purge", "--all") as terminal:
        screen = terminal.wait_for("type 3 to purge them:")
        terminal.type(answer)
        terminal.send("Enter")
        assert terminal.wait() == code

    assert "ALL tasks" in screen
    assert repository.count(Filter()) == left


def test_with_a_profile_its_name_is_typed(tasq, table, database, repository):
    table(*make_tasks(2))
    (tasq.folder / "config.toml").write_text(
        f'[profiles.staging]\nurl = "{database.url}"\nprefix = "{database.prefix}"\n'
    )

    with at_terminal(tasq, "purge", "--all", "--profile", "staging") as terminal:
        terminal.wait_for("type staging to purge them:")
        terminal.type("staging")
        terminal.send("Enter")
        assert terminal.wait() == 0

    assert repository.count(Filter()) == 0


def test_tasks_that_come_while_the_question_stands_are_left_alone(tasq, table, repository):
    table(*make_tasks(3))

    with at_terminal(tasq, "purge", "--all") as terminal:
        terminal.wait_for("type 3 to purge them:")
        late = make_task(created_at=datetime.now(UTC))
        repository.submit_task(late)
        terminal.type("3")
        terminal.send("Enter")
        assert terminal.wait() == 0

    assert [task.id for task in repository.page(Filter())] == [late.id]


def test_ctrl_c_at_the_question_is_130_and_touches_nothing(tasq, table, repository):
    table(*make_tasks(3))

    with at_terminal(tasq, "purge", "--all") as terminal:
        terminal.wait_for("type 3 to purge them:")
        terminal.send("C-c")
        code = terminal.wait()
        screen = terminal.screen()

    assert code == 130
    assert "Traceback" not in screen
    assert repository.count(Filter()) == 3


def test_a_list_fits_the_terminal_and_stops_at_a_screenful(tasq, table):
    born = datetime.now(UTC) - timedelta(hours=3)
    table(
        *(
            make_task(
                status=TaskStatus.FAILED, last_error=f"error {n} " + "long " * 50,
                created_at=born + timedelta(seconds=n),
            )
            for n in range(120)
        )
    )  # fmt: skip

    with at_terminal(tasq, "list", columns=90, rows=130) as terminal:
        assert terminal.wait() == 0
        shown = terminal.screen().splitlines()

    lines = [line for line in shown if "FAILED" in line]
    assert len(lines) == 100
    assert all(len(line) <= 90 and line.rstrip().endswith("…") for line in lines)
    assert "the first 100 are shown; --limit 0 shows all" in "\n".join(shown)


def test_statuses_are_coloured_on_a_terminal_only_without_no_color(tasq, table):
    table(make_task(status=TaskStatus.FAILED))

    with at_terminal(tasq, "list") as terminal:
        terminal.wait()
        coloured = terminal.screen(colours=True)
    tasq.env["NO_COLOR"] = "1"
    with at_terminal(tasq, "list") as terminal:
        terminal.wait()
        plain = terminal.screen(colours=True)

    assert "\x1b[31mFAILED" in coloured
    assert "\x1b[31m" not in plain
    assert "\x1b" not in tasq("list").out
