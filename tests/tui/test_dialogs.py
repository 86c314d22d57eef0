from typing import Any

import pytest
from textual.app import App
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from tasq_core.task import Task
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.edit_task import EditTask
from tasq_tui.ui.dialogs.progress import ProgressDialog
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.dialogs.type_to_confirm import TypeToConfirm
from tasq_tui.ui.operations.drafts import Draft
from tasq_tui.ui.operations.submit import draft_of
from tests.support.builders import make_task
from tests.tui.conftest import screen_text, until

UNANSWERED = object()


class Asker(App[None]):
    """Shows one dialog and keeps its answer."""

    def __init__(self, dialog: Screen) -> None:
        super().__init__()
        self.dialog = dialog
        self.answer: object = UNANSWERED

    def on_mount(self) -> None:
        self.push_screen(self.dialog, lambda answer: setattr(self, "answer", answer))


async def answer(dialog: Screen, *keys: str) -> object:
    app = Asker(dialog)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        return app.answer


def confirm() -> ConfirmDialog:
    return ConfirmDialog("Delete 3 tasks?", Content("about them"), "Delete 3", danger=True)


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        (["y"], True),
        (["n"], False),
        (["escape"], None),
        (["enter"], False),
        (["right", "enter"], True),
        (["x", "2"], UNANSWERED),
    ],
)
async def test_a_confirmation_takes_only_a_plain_yes(keys, wanted):
    assert await answer(confirm(), *keys) is wanted


@pytest.mark.parametrize(
    ("word", "keys", "wanted"),
    [
        ("1200", [*"1200", "enter"], True),
        ("1200", ["1", "comma", *"200", "enter"], True),
        ("prod", [*"prod", "enter"], True),
        ("prod", [*"pro", "enter"], UNANSWERED),
        ("prod", ["enter"], UNANSWERED),
        ("prod", [*"prod", "tab", "enter"], False),
        ("prod", ["escape"], None),
    ],
)
async def test_what_must_be_typed_must_be_typed_whole(word, keys, wanted):
    dialog = TypeToConfirm("Purge 1,200 tasks?", Content("about them"), word, "Purge 1,200")

    assert await answer(dialog, *keys) is wanted


async def test_a_prompt_answers_only_what_passes_its_check():
    def check(text: str) -> str:
        return "too short" if len(text) < 3 else ""

    app = Asker(PromptDialog("Export", "To:", "", "Export", check))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "enter")
        await pilot.pause()
        assert "too short" in screen_text(app)
        await pilot.press("b", "c", "enter")
        await pilot.pause()

        assert app.answer == "abc"


async def test_progress_shows_figures_and_asks_once_for_an_end():
    asked = []
    app = Asker(ProgressDialog("Deleting", lambda: asked.append(1)))
    async with app.run_test(size=(80, 24)) as pilot:
        app.dialog.progress = (500, 2, 10_000)
        await until(pilot, lambda: "500 of 10,000, 2 skipped" in screen_text(app))
        await pilot.press("escape", "escape")
        await pilot.pause()

        assert asked == [1]
        assert "stopping" in screen_text(app)
        assert app.answer is UNANSWERED


async def edited(draft: Draft, **fields: str) -> tuple[Any, str]:
    app = Asker(EditTask("New task", draft))
    async with app.run_test(size=(80, 24)) as pilot:
        for name, value in fields.items():
            widget = app.screen.query_one(f"#{name}")
            if isinstance(widget, Input):
                widget.value = value
            else:
                widget.text = value
        await pilot.press("ctrl+s")
        await pilot.pause()
        return app.answer, screen_text(app)


async def test_an_edited_task_has_what_was_typed():
    given, _ = await edited(
        Draft(), type="email", queue="mail", priority="-5", attempts="3", delay="5m",
        codec="gob", args='{"to": "a"}',
    )  # fmt: skip

    task, draft = given
    assert (task.type, task.queue, task.priority, task.max_receives) == ("email", "mail", -5, 3)
    assert task.unmarshal_args() == {"to": "a"}
    assert (draft.delay, draft.codec) == (300, "gob")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "Type is empty"),
        ({"type": "x", "priority": "high"}, "Priority 'high' is not a whole number"),
        ({"type": "x", "priority": "99999"}, "99999"),
        ({"type": "x", "delay": "soon"}, "Delay 'soon' is not a duration"),
        ({"type": "x", "codec": "xml"}, "unknown codec 'xml'"),
        ({"type": "x", "args": "{"}, "args are not JSON"),
    ],
)
async def test_a_field_that_wont_do_is_named_and_the_dialog_stays(fields, problem):
    given, text = await edited(Draft(), **fields)

    assert given is UNANSWERED
    assert problem in text


@pytest.mark.parametrize(
    "data", [b'{"a": 1}', b"plain text", b"\x00\xff\x01", Task.new("x", {"a": 1}, codec="gob").args]
)
async def test_a_copy_that_isnt_edited_keeps_its_bytes(data: bytes):
    draft, _note = draft_of(make_task(args=data))

    given, _ = await edited(draft)

    assert given[0].args == data


async def test_an_edited_copy_has_the_edited_arguments():
    draft, _note = draft_of(make_task(args=b'{"a": 1}'))

    given, _ = await edited(draft, args='{"a": 2}')

    assert given[0].unmarshal_args() == {"a": 2}
