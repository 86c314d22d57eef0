from tasq_tui.admin.settings import Settings
from tasq_tui.ui.queues import pace
from tasq_tui.ui.text.formats import duration
from tests.tui.conftest import cockpit, press, screen_text, settled, until


def names(app, view: str) -> list[str]:
    return [row.key for row in app.view.query_one(f"#kinds-{view}").rows]


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
        view = app.view.query_one("#kinds-queues")
        before = view.current
        await press(pilot, "s", "s", "s")

        assert view.current == before


async def test_enter_shows_the_tasks_of_the_row(shop: Settings):
    async with cockpit(shop, screen="queues") as (app, pilot):
        await press(pilot, "tab", "down")
        wanted = app.view.query_one("#kinds-types").current
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert {task.type for task in app.view.list.window.rows} == {wanted}


async def test_a_double_click_opens_a_row(shop: Settings):
    async with cockpit(shop, screen="queues") as (app, pilot):
        await pilot.click("#kinds-queues", offset=(5, 2), times=2)

        await until(pilot, lambda: app.current_mode == "tasks")


async def test_y_copies_the_name(shop: Settings):
    async with cockpit(shop, screen="queues") as (app, pilot):
        await press(pilot, "y")

        assert app.clipboard == app.view.query_one("#kinds-queues").current


async def test_a_queue_without_a_name_can_be_seen_and_opened(settings: Settings, table):
    table.new_producer().submit("email", None)
    async with cockpit(settings, screen="queues") as (app, pilot):
        assert '""' in screen_text(app)
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert len(app.view.list.window.rows) == 1


async def test_p_pauses_a_queue_after_a_question_and_resumes_it(shop: Settings, table):
    table.migrate(side_tables=True)
    async with cockpit(shop, size=(120, 40), screen="queues") as (app, pilot):
        await press(pilot, "p")
        await until(pilot, lambda: "Pause queue mail?" in screen_text(app))
        assert "Go's consumers" in screen_text(app)
        await press(pilot, "y")
        await until(pilot, lambda: "‖ mail" in screen_text(app))
        pauses = table.new_inspector().pauses()
        assert [(pause.kind, pause.name) for pause in pauses] == [("queue", "mail")]
        assert app.session.log[-1].entry.command.endswith("--queue mail")

        await press(pilot, "p")
        await until(pilot, lambda: not table.new_inspector().pauses())
        await until(pilot, lambda: "‖ mail" not in screen_text(app))


async def test_rates_and_times_of_the_last_hour_stand_beside_the_counts(shop: Settings, table):
    expected = {row.name: row for row in table.new_inspector().timings("queue", 3600).rows}
    async with cockpit(shop, size=(200, 60), screen="queues") as (app, pilot):
        view = app.view.query_one("#kinds-queues")
        await until(pilot, lambda: any("%" in str(cell) for cell in view.rows[0].cells))
        for row in view.rows:
            timing = expected[row.key]
            assert pace.share(timing.failed_share) in row.cells
            assert duration(timing.wait.p95) in row.cells
