"""Whoever knows a word for an action finds it, whichever screen it is on."""

import pytest

from tasq_tui.admin.settings import Settings
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, until


@pytest.mark.parametrize("screen", ["tasks", "overview"])
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("purge", "Delete all tasks that match the filter"),
        ("export", "Write the tasks to a file"),
        ("clone", "Edit a copy of the task and submit it"),
        ("dry run", "Run a handler on the task, leaving the table alone"),
        ("matches", ""),
        ("all tasks match", "Delete all tasks that match the filter"),
    ],
)
async def test_an_action_is_found_by_label_name_or_sentence(
    shop: Settings, screen, query, sentence
):
    async with cockpit(shop, screen=screen) as (app, pilot):
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: "Search" in screen_text(app))
        await press(pilot, *(key if key != " " else "space" for key in query))

        await until(pilot, lambda: (sentence or "No matches") in screen_text(app))


async def test_an_action_of_another_screen_leads_there_and_changes_nothing(shop: Settings, table):
    before = table.new_inspector().count(statuses=["NEW"])
    async with cockpit(shop) as (app, pilot):
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: "Search" in screen_text(app))
        await press(pilot, *"requeue")
        await until(pilot, lambda: "Make the tasks new and ready" in screen_text(app))
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert "r here: Make the tasks new and ready; receives stay" in toasts(app)
        assert table.new_inspector().count(statuses=["NEW"]) == before


async def test_what_is_not_possible_now_is_found_and_says_so(settings: Settings):
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: "Search" in screen_text(app))
        await press(pilot, *"clone")
        await until(pilot, lambda: "not possible now" in screen_text(app))
        await press(pilot, "enter", "enter")

        await until(pilot, lambda: any("Clone: not possible now" in text for text in toasts(app)))
