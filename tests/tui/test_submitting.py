"""What was typed into a form isn't lost, and what Go reads stays what Go reads."""

import pytest

from tasq_core.args import gob
from tasq_core.errors import RepositoryError
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tests.support.builders import make_task
from tests.tui.conftest import cockpit, press, screen_text, toasts, type_text, until

STRUCT = gob.encode(
    {"OrderID": 7, "Tags": ["a"], "Sub": {"On": True}},
    go_type="struct{OrderID int; Tags []string; Sub struct{On bool}; Note string}",
)


async def test_a_go_struct_edited_by_clone_stays_a_struct(settings: Settings, table):
    table.repository.restore_tasks([make_task(args=STRUCT)])
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: "Copy of" in screen_text(app))
        app.screen.query_one("#args").text = '{"OrderID": 8, "Note": "again"}'
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: table.new_inspector().count() == 2)

    newest = table.new_inspector().page(limit=1).tasks[0]
    assert gob.type_of(newest.args) == gob.type_of(STRUCT)
    read = gob.decode(newest.args)
    assert (read["OrderID"], read["Note"], read["Tags"]) == (8, "again", None)
    assert "--go-type 'struct{OrderID int; Tags []string;" in app.session.log[-1].entry.command


async def test_a_field_the_struct_lacks_is_refused_in_the_form(settings: Settings, table):
    table.repository.restore_tasks([make_task(args=STRUCT)])
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: "Copy of" in screen_text(app))
        app.screen.query_one("#args").text = '{"OrderId": 8}'
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: "OrderId" in screen_text(app).partition("gob:")[2])

        assert table.new_inspector().count() == 1


async def test_a_form_that_the_database_refuses_comes_back_filled(
    settings: Settings, table, monkeypatch: pytest.MonkeyPatch
):
    async with cockpit(settings, screen="tasks") as (app, pilot):

        def refuse(*_, **__):
            raise RepositoryError("the disk is full")

        monkeypatch.setattr(app.session.admin.repository, "submit_task", refuse)
        await press(pilot, "i")
        await until(pilot, lambda: "New task" in screen_text(app))
        await type_text(pilot, "email")
        app.screen.query_one("#args").text = '{"typed": "by hand"}'
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: "the disk is full" in screen_text(app))
        assert app.screen.query_one("#type").value == "email"
        assert app.screen.query_one("#args").text == '{"typed": "by hand"}'

        monkeypatch.undo()
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: any("submitted email" in text for text in toasts(app)))
        assert table.new_inspector().scan()[0].args == b'{"typed":"by hand"}'


@pytest.mark.slow
async def test_escape_asks_before_it_throws_edits_away(settings: Settings, table):
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "i")
        await until(pilot, lambda: "New task" in screen_text(app))
        await type_text(pilot, "email")
        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "n")
        await until(pilot, lambda: "New task" in screen_text(app))
        assert app.screen.query_one("#type").value == "email"

        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: app.screen is app.view)
        assert table.new_inspector().count() == 0

        await press(pilot, "i")
        await until(pilot, lambda: "New task" in screen_text(app))
        await press(pilot, "escape")
        await until(pilot, lambda: app.screen is app.view)
