from dataclasses import replace
from datetime import timedelta

import pytest

from tasq_tui.admin.settings import Settings
from tasq_tui.ui.queues import pace
from tasq_tui.ui.queues.pauses import problem, read_pause
from tasq_tui.ui.text.formats import duration
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, type_text, until


def names(app, view: str) -> list[str]:
    return [row.key for row in app.view.query_one(f"#breakdown-{view}").rows]


async def test_every_queue_and_type_is_there_with_its_counts(shop: Settings, table):
    async with cockpit(shop, size=(120, 40), screen="queues") as (app, _pilot):
        text = screen_text(app)

        for by, view in (("queue", "queues"), ("type", "types")):
            rows = table.new_inspector().breakdown(by)
            assert set(names(app, view)) == {row.name for row in rows}
            missing = [row for row in rows if str(row.total) not in text]
            assert not missing, text


async def test_s_sorts_by_the_next_column(shop: Settings, table):
    async with cockpit(shop, screen="queues") as (app, pilot):
        await press(pilot, "s", "s", "s")

        assert app.view.sort == "name"
        assert names(app, "queues") == sorted(names(app, "queues"))
        assert "queue ↑" in screen_text(app)


async def test_the_cursor_keeps_its_queue_when_the_order_changes(shop: Settings):
    async with cockpit(shop, screen="queues") as (app, pilot):
        await press(pilot, "down", "down")
        view = app.view.query_one("#breakdown-queues")
        before = view.current
        await press(pilot, "s", "s", "s")

        assert view.current == before


async def test_enter_shows_the_tasks_of_the_row(shop: Settings):
    async with cockpit(shop, screen="queues") as (app, pilot):
        await press(pilot, "tab", "down")
        wanted = app.view.query_one("#breakdown-types").current
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert {task.type for task in app.view.list.window.rows} == {wanted}


async def test_a_double_click_opens_a_row(shop: Settings):
    async with cockpit(shop, screen="queues") as (app, pilot):
        await pilot.click("#breakdown-queues", offset=(5, 2), times=2)

        await until(pilot, lambda: app.current_mode == "tasks")


async def test_y_copies_the_name(shop: Settings):
    async with cockpit(shop, screen="queues") as (app, pilot):
        await press(pilot, "y")

        assert app.clipboard == app.view.query_one("#breakdown-queues").current


async def test_a_queue_without_a_name_can_be_seen_and_opened(settings: Settings, table):
    table.new_producer().submit("email", None)
    async with cockpit(settings, screen="queues") as (app, pilot):
        assert '""' in screen_text(app)
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert len(app.view.list.window.rows) == 1


@pytest.mark.slow
async def test_p_pauses_a_queue_for_a_time_with_a_reason_and_resumes_it(shop: Settings, table):
    table.migrate(side_tables=True)
    async with cockpit(shop, size=(120, 40), screen="queues") as (app, pilot):
        await press(pilot, "p")
        await until(pilot, lambda: "Pause queue mail?" in screen_text(app))
        assert "Go's consumers" in screen_text(app)
        await type_text(pilot, "2h the relay is down")
        await press(pilot, "enter")
        await until(pilot, lambda: "‖ mail" in screen_text(app))
        (pause,) = table.new_inspector().pauses()
        assert (pause.kind, pause.name, pause.reason) == ("queue", "mail", "the relay is down")
        assert pause.until - pause.taken_at == timedelta(hours=2)
        command = app.session.log[-1].entry.command
        assert command.endswith("--queue mail --for 2h --reason 'the relay is down'")
        await until(pilot, lambda: "ends in 2h (the relay is down)" in screen_text(app))

        await press(pilot, "p")
        await until(pilot, lambda: not table.new_inspector().pauses())
        await until(pilot, lambda: "‖ mail" not in screen_text(app))


async def test_a_pause_of_a_queue_without_tasks_is_shown_and_can_be_resumed(
    settings: Settings, table
):
    """The first task that comes would wait, and nobody could see why."""
    table.migrate(side_tables=True)
    table.pause(queue="quiet\x1b[2J")
    async with cockpit(settings, size=(120, 40), screen="queues") as (app, pilot):
        await until(pilot, lambda: "‖ quiet" in screen_text(app))
        await press(pilot, "p")

        await until(pilot, lambda: not table.new_inspector().pauses())


@pytest.mark.parametrize(
    ("text", "seconds", "reason"),
    [
        ("", None, ""),
        ("relay down", None, "relay down"),
        ("1.5h", 5400, ""),
        (" 2d  at the weekend ", 172_800, "at the weekend"),
    ],
)
def test_a_line_is_a_pause(text, seconds, reason):
    wanted = read_pause(text)

    assert wanted.reason == reason
    assert wanted.until == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("text", ["5p", "0", "2h30x reason"])
def test_a_length_that_can_not_be_read_is_refused(text):
    assert problem(text)


@pytest.fixture
def nightly(table):
    table.migrate(side_tables=True)
    return table.schedule("nightly", "0 3 * * *", "report", {"day": 1}, queue="mail")


async def to_schedules(app, pilot) -> None:
    await until(pilot, lambda: "nightly" in screen_text(app))
    app.view.query_one("#breakdown-schedules").focus()
    await pilot.pause()


async def test_a_schedule_is_run_now_paused_and_resumed(settings: Settings, table, nightly):
    inspector = table.new_inspector()
    async with cockpit(settings, size=(120, 40), screen="queues") as (app, pilot):
        assert "Run now" not in screen_text(app)
        await to_schedules(app, pilot)
        assert "r Run now" in screen_text(app)
        await press(pilot, "r")
        await until(pilot, lambda: [task.type for task in inspector.scan()] == ["report"])
        assert app.session.log[-1].entry.command.endswith("run nightly")
        await until(pilot, lambda: not app.changer.is_busy)
        await press(pilot, "p")
        await until(pilot, lambda: inspector.schedules()[0].paused)
        await until(pilot, lambda: "paused schedule 'nightly'" in toasts(app))
        await until(
            pilot, lambda: all(one.paused for one in app.session.figures.schedules.value or ())
        )
        await press(pilot, "p")

        await until(pilot, lambda: not inspector.schedules()[0].paused)


async def test_a_schedule_is_removed_after_a_question(settings: Settings, table, nightly):
    async with cockpit(settings, size=(120, 40), screen="queues") as (app, pilot):
        await to_schedules(app, pilot)
        await press(pilot, "d")
        await until(pilot, lambda: "Remove schedule nightly?" in screen_text(app))
        await press(pilot, "enter")
        assert table.new_inspector().schedules()
        await press(pilot, "d")
        await until(pilot, lambda: "Remove schedule nightly?" in screen_text(app))
        await press(pilot, "y")

        await until(pilot, lambda: not table.new_inspector().schedules())
        await until(pilot, lambda: "nightly" not in screen_text(app))


async def test_enter_on_a_schedule_shows_the_tasks_it_submits(settings: Settings, table, nightly):
    async with cockpit(settings, size=(120, 40), screen="queues") as (app, pilot):
        await to_schedules(app, pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")

        assert str(app.view.where) == "type:report queue:mail"


async def test_a_read_only_session_changes_no_schedule(settings: Settings, table, nightly):
    settings = replace(settings, read_only=True)
    async with cockpit(settings, size=(120, 40), screen="queues") as (app, pilot):
        await to_schedules(app, pilot)
        await press(pilot, "r", "p", "d")
        await settled(pilot)

        assert not table.new_inspector().scan()
        assert [schedule.paused for schedule in table.new_inspector().schedules()] == [False]


async def test_rates_and_times_of_the_last_hour_stand_beside_the_counts(shop: Settings, table):
    expected = {row.name: row for row in table.new_inspector().timings("queue", 3600).rows}
    async with cockpit(shop, size=(200, 60), screen="queues") as (app, pilot):
        view = app.view.query_one("#breakdown-queues")
        await until(pilot, lambda: any("%" in str(cell) for cell in view.rows[0].cells))
        for row in view.rows:
            timing = expected[row.key]
            assert pace.share(timing.failed_share) in row.cells
            assert duration(timing.wait.p95) in row.cells
