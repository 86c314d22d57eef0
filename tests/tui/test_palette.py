"""Whoever knows a word for an action finds it, whichever screen it is on."""

from dataclasses import replace

import pytest

from tasq_tui.admin.settings import Settings
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, until


@pytest.mark.slow
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


@pytest.mark.slow
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

        assert "r here: Make the tasks new and ready; attempts stay" in toasts(app)
        assert table.new_inspector().count(statuses=["NEW"]) == before


@pytest.mark.slow
async def test_what_is_not_possible_now_is_found_and_says_so(settings: Settings):
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: "Search" in screen_text(app))
        await press(pilot, *"clone")
        await until(pilot, lambda: "not possible now" in screen_text(app))
        await press(pilot, "enter", "enter")

        await until(pilot, lambda: any("Clone: not possible now" in text for text in toasts(app)))


@pytest.mark.slow
async def test_a_saved_filter_is_found_by_its_name_and_applied(shop: Settings):
    settings = replace(shop, filters={"stuck mail": "queue:mail status:failed"})
    async with cockpit(settings) as (app, pilot):
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: "Search" in screen_text(app))
        await press(pilot, *"stuck")
        await until(pilot, lambda: "Show the tasks of the filter stuck mail" in screen_text(app))
        await press(pilot, "enter", "enter")

        await until(pilot, lambda: str(getattr(app.view, "where", "")).count("mail"))


async def test_each_action_is_one_line_with_its_key(shop: Settings):
    async with cockpit(shop, size=(80, 24), screen="errors") as (app, pilot):
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: "Requeue all tasks" in screen_text(app))
        line = next(
            line
            for line in screen_text(app).splitlines()
            if "Requeue all tasks of the group" in line
        )

        assert line.split()[-1] == "r"
