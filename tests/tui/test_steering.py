"""e edits and C cancels what was under the cursor at the key press; U takes it back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.errors import InvalidInputError, RepositoryError
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.edit_values import read_values
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.operations.delayed_progress import DelayedProgress
from tests.support.builders import make_task
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, until

NOW = datetime.now(UTC)


async def test_e_edits_and_u_takes_it_back(database, client):
    task = client.repository.submit_task(make_task(queue="bulk", priority=3, max_receives=4))
    settings = Settings(url=database.url, prefix=database.prefix)
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await settled(pilot)
        await press(pilot, "e")
        await until(pilot, lambda: f"Edit {task.id.hex[:8]}" in screen_text(app))
        shown = app.screen.texts
        assert (shown["type"], shown["queue"], shown["priority"]) == ("email", "bulk", "3")
        assert (shown["attempts"], shown["when"]) == ("4", "now")
        app.screen.query_one("#queue").value = "m"
        app.screen.query_one("#when").value = "in 2h"
        app.screen.query_one("#args").text = '{"a": [2]}'
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: "edited 1 · U undoes" in toasts(app))
        row = client.repository.get_tasks([task.id])[0]
        assert (row.queue, row.args, row.priority) == ("m", b'{"a":[2]}', 3)
        assert timedelta(hours=1) < row.visible_at - client.repository.now() < timedelta(hours=2)
        command = app.session.log[-1].entry.command
        assert "--queue=m" in command
        assert "--delay=2h" in command
        assert "--priority" not in command

        await press(pilot, "U")
        await until(pilot, lambda: "put back 1" in toasts(app))
        assert client.repository.get_tasks([task.id]) == [task]


async def test_of_several_tasks_only_what_is_filled_in_is_changed(settings: Settings, table):
    """An empty field that meant "set it to nothing" would wipe the queues of all."""
    tasks = [make_task(queue=f"q{n}", priority=n, args=b"%d" % n) for n in range(3)]
    table.repository.restore_tasks(tasks)
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await settled(pilot)
        await press(pilot, "A")
        await until(pilot, lambda: "3 marked" in screen_text(app))
        await press(pilot, "e")
        await until(pilot, lambda: "Edit 3 tasks" in screen_text(app))
        assert set(app.screen.texts.values()) == {""}
        assert "unchanged" in screen_text(app)
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: "nothing to edit" in screen_text(app))
        app.screen.query_one("#attempts").value = "7"
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: "edited 3 · U undoes" in toasts(app))

    rows = {row.id: row for row in table.repository.get_tasks([task.id for task in tasks])}
    assert [rows[task.id] for task in tasks] == [replace(task, max_receives=7) for task in tasks]


async def test_queues_and_types_are_completed(settings: Settings, table):
    table.repository.restore_tasks([make_task(queue="billing", type="invoice")])
    async with cockpit(settings, screen="queues") as (app, pilot):
        await until(pilot, lambda: list(app.session.queues) == ["billing"])
        await press(pilot, "2")
        await until(pilot, lambda: "invoice" in screen_text(app))
        await press(pilot, "e")
        await until(pilot, lambda: "Edit " in screen_text(app))
        field = app.screen.query_one("#queue")
        field.value = ""
        await press(pilot, "b")
        await until(pilot, lambda: field._suggestion == "billing")
        await press(pilot, "right")
        assert field.value == "billing"


@pytest.mark.slow
async def test_an_edit_that_the_database_refuses_comes_back_filled(
    settings: Settings, table, monkeypatch: pytest.MonkeyPatch
):
    """A page of JSON typed at night would be gone with a full disk."""
    task = make_task()
    table.repository.restore_tasks([task])
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await settled(pilot)

        def refuse(*_, **__):
            raise RepositoryError("the disk is full")

        monkeypatch.setattr(app.session.admin.repository, "swap_tasks", refuse)
        await press(pilot, "e")
        await until(pilot, lambda: f"Edit {task.id.hex[:8]}" in screen_text(app))
        app.screen.query_one("#args").text = '{"typed": "by hand"}'
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: "the disk is full" in screen_text(app))
        assert app.screen.query_one("#args").text == '{"typed": "by hand"}'

        monkeypatch.undo()
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: "edited 1 · U undoes" in toasts(app))
    assert table.repository.get_tasks([task.id])[0].args == b'{"typed":"by hand"}'


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"status": TaskStatus.FAILED, "finished_at": NOW}, "only open tasks are edited"),
        ({"status": TaskStatus.ENQUEUED, "visible_at": NOW + timedelta(days=400)}, "holds it"),
    ],
)
async def test_what_cant_be_edited_opens_no_form(settings: Settings, table, fields, says):
    table.repository.restore_tasks([make_task(**fields)])
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await settled(pilot)
        await press(pilot, "e")
        await until(pilot, lambda: any(says in text for text in toasts(app)))
        assert app.screen is app.view


async def test_c_cancels_with_a_reason(database, client):
    task = client.repository.submit_task(make_task())
    settings = Settings(url=database.url, prefix=database.prefix)
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await settled(pilot)
        await press(pilot, "C")
        await until(pilot, lambda: isinstance(app.screen, PromptDialog))
        await press(pilot, "n", "o", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: "cancelled 1 · U undoes" in toasts(app))

    row = client.repository.get_tasks([task.id])[0]
    assert (row.status, row.last_error) == (TaskStatus.FAILED, "cancelled: no")


async def test_a_progress_dialog_that_comes_too_late_isnt_shown(settings: Settings, table):
    """Nothing would ever close it, and every key would go to it: only a kill ends such an app."""
    async with cockpit(settings, screen="tasks") as (app, pilot):
        progress = DelayedProgress(app, "Counting", lambda: None)
        async with progress:
            pass
        await progress._show()
        await pilot.pause()
        assert app.screen is app.view


TEXTS = {
    "type": "email", "queue": "mail", "priority": "0", "attempts": "3", "when": "now", "args": "{}",
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({}, "nothing to edit"),
        ({"type": " "}, "Type is empty"),
        ({"priority": "x"}, "Priority 'x' is not a whole number"),
        ({"priority": ""}, "Priority '' is not a whole number"),
        ({"priority": "40000"}, "out of range"),
        ({"attempts": "-1"}, "out of range"),
        ({"args": "{"}, "args aren't JSON"),
        ({"when": "soon"}, "When 'soon' is not a time"),
        ({"when": ""}, "When '' is not a time"),
    ],
)
def test_fields_that_cant_be_used_are_refused_by_name(typed, says):
    with pytest.raises(InvalidInputError, match=says):
        read_values(TEXTS | typed, TEXTS)


@pytest.mark.parametrize("before", [TEXTS, None])
def test_fields_say_the_new_values(before):
    empty = dict.fromkeys(TEXTS, "")
    typed = {"queue": '""', "priority": "-5", "when": "now", "args": "[1, 2]"}
    was = empty if before is None else before | {"when": "2026-01-01T00:00:00Z"}
    wanted = read_values(was | typed, None if before is None else was)
    assert (wanted.queue, wanted.priority, wanted.now, wanted.args) == ("", -5, True, [1, 2])
    assert wanted.type is None
    assert read_values(empty | {"when": "90"}, None).delay == timedelta(seconds=90)
    assert read_values(empty | {"when": "2026-11-26T09:00Z"}, None).at == datetime(
        2026, 11, 26, 9, tzinfo=UTC
    )
