"""e edits and C cancels what was under the cursor at the key press; U takes it back."""

import pytest

from tasq_core.errors import InvalidInputError
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.operations.steer import read_edit
from tests.support.builders import make_task
from tests.tui.conftest import cockpit, press, settled, toasts, until


async def test_e_edits_and_u_takes_it_back(database, client):
    task = client.repository.submit_task(make_task(queue="bulk"))
    settings = Settings(url=database.url, prefix=database.prefix)
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await settled(pilot)
        await press(pilot, "e")
        await until(pilot, lambda: isinstance(app.screen, PromptDialog))
        await press(pilot, *"queue=m", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: "edited 1 · U undoes" in toasts(app))
        assert client.repository.get_tasks([task.id])[0].queue == "m"

        await press(pilot, "U")
        await until(pilot, lambda: "put back 1" in toasts(app))
        assert client.repository.get_tasks([task.id]) == [task]


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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "nothing to edit"),
        ("queue", "write type"),
        ("colour=red", "write type"),
        ("priority=x", "not a whole number"),
        ("priority=40000", "out of range"),
        ("args={", "args aren't JSON"),
        ("queue='x", "a quote is left open"),
        ("delay=soon", "is not a duration"),
        ("now delay=1h", "exclude each other"),
    ],
)
def test_a_line_that_cant_be_read_is_refused(text, says):
    with pytest.raises(InvalidInputError, match=says):
        read_edit(text)


def test_a_line_says_the_new_values():
    wanted = read_edit("queue='a b' priority=-5 now args='[1, 2]'")
    assert (wanted.queue, wanted.priority, wanted.now, wanted.args) == ("a b", -5, True, [1, 2])
