import pytest

from tasq_core import connect
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.help import HelpDialog
from tasq_tui.ui.widgets.header import SCREENS
from tasq_tui.ui.widgets.key_bar import KeyBar
from tests.support.databases import Database
from tests.support.proxy import proxied
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, until


@pytest.mark.parametrize(("key", "name"), zip("1234567", SCREENS, strict=True))
async def test_digits_switch_screens(settings: Settings, key: str, name: str):
    async with cockpit(settings) as (app, pilot):
        await press(pilot, key)

        assert app.current_mode == name


async def test_a_click_on_a_title_switches_screens(settings: Settings):
    async with cockpit(settings) as (app, pilot):
        await pilot.click("Header", offset=(15, 1))

        await until(pilot, lambda: app.current_mode == "tasks")


async def test_the_header_names_profile_and_target_without_the_password(tmp_path):
    settings = Settings(url="postgresql://app:s3cret@127.0.0.1:1/prod", profile="prod", color="red")
    async with cockpit_unsettled(settings) as (app, pilot):
        await until(pilot, lambda: "prod" in screen_text(app))

        text = screen_text(app)
        assert "127.0.0.1:1/prod" in text
        assert "s3cret" not in text


async def test_a_read_only_session_shows_it_and_refuses_changes(shop: Settings, table):
    settings = Settings(url=shop.url, profile="demo", read_only=True)
    before = table.new_inspector().count()
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "d", "P", "r", "i", "U")

        assert " RO " in screen_text(app)
        assert len(app.screen_stack) == 1
        assert table.new_inspector().count() == before


async def test_question_mark_shows_all_keys_and_escape_closes_them(settings: Settings):
    async with cockpit(settings) as (app, pilot):
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpDialog)

        await press(pilot, "escape")
        assert app.screen is app.view


async def test_the_palette_offers_every_action_of_the_screen(settings: Settings):
    async with cockpit(settings, screen="tasks") as (app, _pilot):
        offered = {command.title for command in app.get_system_commands(app.screen)}

        assert {
            "Filter the list; in the detail, search in it",
            "Delete all tasks that match the filter",
            "Write a new task and submit it",
            "Go to the errors",
            "Show all keys",
            "Leave tasq",
        } <= offered


@pytest.mark.slow
async def test_an_action_of_the_palette_can_be_called(settings: Settings):
    async with cockpit(settings) as (app, pilot):
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: "Search" in screen_text(app))
        await press(pilot, *"errors")
        await until(pilot, lambda: "Go to the tasks" not in screen_text(app))
        await until(pilot, lambda: "Go to the errors" in screen_text(app))
        await press(pilot, "enter", "enter")

        await until(pilot, lambda: app.current_mode == "errors")


async def test_ctrl_t_goes_through_the_themes(settings: Settings):
    async with cockpit(settings) as (app, pilot):
        assert app.theme == "tasq"

        await press(pilot, "ctrl+t")
        assert app.theme == "tasq-light"
        await press(pilot, "ctrl+t")
        assert app.theme == "tasq-16"


async def test_the_keys_that_destroy_are_red_in_the_footer_and_undo_is_green(shop: Settings):
    async with cockpit(shop, size=(200, 60), screen="tasks") as (app, _pilot):
        shown = app.view.query_one(KeyBar).render()
        styles = {shown.plain[s.start : s.end]: str(s.style) for s in shown.spans}

        assert styles["Delete"] == styles["Purge"] == "$text-error"
        assert styles["Undo"] == "$text-success"
        assert "Filter" not in styles


async def test_f6_pauses_refreshing_and_goes_on(settings: Settings, table):
    async with cockpit(settings) as (app, pilot):
        await press(pilot, "f6")
        assert app.view.poller.paused
        assert "paused" in screen_text(app)

        table.new_producer().submit("email", None)
        await press(pilot, "f5")
        await until(pilot, lambda: "1 task" in screen_text(app))

        await press(pilot, "f6")
        assert not app.view.poller.paused


async def test_another_screen_takes_over_the_reading(settings: Settings):
    async with cockpit(settings) as (app, pilot):
        overview = app.view
        await press(pilot, "2")
        await settled(pilot)

        assert overview.poller.paused
        assert not app.view.poller.paused


async def test_q_leaves(settings: Settings):
    async with cockpit(settings) as (app, pilot):
        await press(pilot, "q")

        assert app.return_value == 0


async def test_the_users_keys_replace_the_default_ones(shop: Settings):
    settings = Settings(url=shop.url, keys={"tasks.delete": "X", "help": "H"})
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "d")
        assert app.screen is app.view

        await press(pilot, "X")
        await until(pilot, lambda: "Delete 1 task?" in screen_text(app))
        await press(pilot, "escape", "H")
        assert isinstance(app.screen, HelpDialog)


async def test_an_unknown_action_in_the_config_is_told_with_the_nearest(settings: Settings):
    settings = Settings(url=settings.url, keys={"reqeue": "x"})
    async with cockpit(settings) as (app, _pilot):
        assert any(
            "'reqeue' is not an action; did you mean 'requeue'?" in text for text in toasts(app)
        )


async def test_a_missing_table_is_told_and_m_creates_it(tmp_path):
    settings = Settings(url=f"sqlite:///{tmp_path}/new.db")
    async with cockpit(settings, size=(80, 24)) as (app, pilot):
        assert "doesn't exist" in " ".join(screen_text(app).split())

        assert "Press m to create it now" in " ".join(screen_text(app).split())
        await press(pilot, "m")
        await until(pilot, lambda: "Create the table?" in screen_text(app))
        await press(pilot, "y")
        await until(pilot, lambda: "no tasks yet" in screen_text(app))

        assert "doesn't exist" not in screen_text(app)
        assert app.session.log[-1].entry.command.startswith("tasq migrate")


async def test_a_missing_table_is_not_offered_to_a_read_only_session(tmp_path):
    (tmp_path / "new.db").touch()
    settings = Settings(url=f"sqlite:///{tmp_path}/new.db", read_only=True)
    async with cockpit(settings) as (app, pilot):
        await press(pilot, "m")

        assert app.screen is app.view
        assert "Press m" not in screen_text(app)


@pytest.mark.parametrize("backend", ["postgres"])
async def test_a_database_that_goes_away_leaves_the_last_data_and_comes_back(database: Database):
    with (
        proxied(database.url) as (proxy, url),
        connect(database.url, prefix=database.prefix) as client,
    ):
        client.migrate()
        client.new_producer().submit("email", None)
        settings = Settings(url=url, prefix=database.prefix)
        async with cockpit(settings) as (app, pilot):
            assert "1 task" in screen_text(app)

            proxy.refuse()
            await until(pilot, lambda: "Database unavailable" in screen_text(app))
            await until(pilot, lambda: "next try in" in screen_text(app))
            assert "1 task" in screen_text(app)
            assert "offline" in screen_text(app)

            proxy.resume()
            await until(pilot, lambda: "live" in screen_text(app))
            assert "Database unavailable" not in screen_text(app)


async def test_a_refusal_of_the_database_is_told_as_such(settings: Settings, monkeypatch):
    from tasq_core.errors import RepositoryError

    async with cockpit(settings) as (app, pilot):

        def refuse() -> None:
            raise RepositoryError("permission denied for table tasks; grant SELECT")

        monkeypatch.setattr(app.session.stats.repository, "open_counts", refuse)
        await press(pilot, "f5")

        await until(pilot, lambda: "): permission denied for table tasks" in screen_text(app))
        assert "The database refused (" in screen_text(app)


async def test_no_color_takes_the_colours_and_leaves_the_glyphs(shop: Settings, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with cockpit(shop, size=(120, 40), screen="tasks") as (app, _pilot):
        text = screen_text(app)

        assert "○ new" in text
        assert app.no_color


def cockpit_unsettled(settings: Settings):
    from contextlib import asynccontextmanager

    from tasq_tui.ui.app import CockpitApp

    @asynccontextmanager
    async def running():
        app = CockpitApp(settings)
        async with app.run_test(size=(100, 30)) as pilot:
            yield app, pilot

    return running()
