"""The cockpit: seven screens over one table."""

import asyncio
import shlex
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter
from textual.screen import Screen

from tasq_core.errors import TableMissingError, TasqError
from tasq_core.reports import MutationResult
from tasq_tui.admin.command_line import target
from tasq_tui.admin.settings import Settings, config_path, load_settings, read_config
from tasq_tui.ui import actions, messages
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.help import HelpDialog
from tasq_tui.ui.health_watch import WATCH_SECONDS, HealthWatch
from tasq_tui.ui.keys.ordered_input import KeysInOrder
from tasq_tui.ui.leaving import leave_on_signals, leave_with_terminal, leaving_dialog
from tasq_tui.ui.operations.change import Changer
from tasq_tui.ui.profiles import ProfilesDialog
from tasq_tui.ui.session import Session
from tasq_tui.ui.text import theme
from tasq_tui.ui.text.sanitize import ControlFilter, safe
from tasq_tui.ui.text.stylesheet import ParsedOnce
from tasq_tui.ui.widgets.header import Header

if TYPE_CHECKING:
    from textual.command import Provider

WIDE: Final = 120
"""Columns from which lists and details stand side by side."""

LOW: Final = 18
"""Lines from which panes have borders."""
TALL: Final = 36
"""Lines from which panes that a low terminal leaves out are shown."""

_MUTED: Final = 0.74
_DISABLED: Final = 0.58
"""Shares of the foreground: with less, text on a panel or under the cursor is too faint."""
_LISTED: Final = ("Mark", "Unmark", "Open")
"""What the palette offers of the lists' own keys; moving about needs no palette."""

_BETWEEN: Final = "between"
"""The mode while the screens of one database are replaced by those of another."""

_CLASSES: Final = {
    "overview": "OverviewScreen",
    "tasks": "TasksScreen",
    "queues": "QueuesScreen",
    "errors": "ErrorsScreen",
    "fleet": "FleetScreen",
    "consumer": "ConsumerScreen",
    "history": "HistoryScreen",
}


def screen_class(name: str) -> type[CockpitScreen]:
    """The screen called `name`; its module is imported when it is first shown."""
    found: type[CockpitScreen] = getattr(
        import_module(f"tasq_tui.ui.{name}.screen"), _CLASSES[name]
    )
    return found


def _commands() -> "type[Provider]":
    """What the palette searches; imported when it is first opened."""
    from tasq_tui.ui.palette import ActionCommands  # noqa: PLC0415

    return ActionCommands


class CockpitApp(KeysInOrder):
    """Holds the session and the screens; what they share goes through here."""

    TITLE = "tasq"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "overview"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS = {_commands}  # noqa: RUF012 - the base's own type
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - the base's own type
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (LOW, "-short"), (TALL, "-tall")]  # noqa: RUF012 - as above
    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings(Scope.APP)]

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Open the session; nothing is sent before the app runs.

        Args:
            settings: which database.
            clock: this machine's, for tests to stop.

        Raises:
            InvalidInputError: a URL or prefix that can't be used.
            RepositoryError: the database's driver isn't installed.
        """
        super().__init__()
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())
        theme.register(cast("App[object]", self))
        self._clock = clock
        self.session = Session(settings, clock)
        self._attend(self.session)
        self.is_paused = False
        self._gate = ControlFilter()
        self._views: dict[str, CockpitScreen] = {}
        for name in _CLASSES:
            self.add_mode(name, partial(self._view, name))
        self.add_mode(_BETWEEN, Screen)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """No control character leaves for the terminal, whichever widget let it through."""
        return [*super().get_line_filters(), self._gate]

    def get_css_variables(self) -> dict[str, str]:
        """The theme's, but muted text as a plain colour: lines are drawn without blending."""
        variables = super().get_css_variables()
        colour, ground = (Color.parse(variables[name]) for name in ("foreground", "background"))
        return {
            **variables,
            "text-muted": ground.blend(colour, _MUTED).hex,
            "text-disabled": ground.blend(colour, _DISABLED).hex,
        }

    def on_load(self) -> None:
        """Be ready for signals before the terminal is changed, and choose the theme for it."""
        if not self.is_headless:
            theme.choose(self)
            leave_on_signals(cast("App[int]", self))
            leave_with_terminal()

    def on_mount(self) -> None:
        """Take the user's keys, and begin to watch health."""
        self.set_interval(WATCH_SECONDS, self._watch)
        self.theme_changed_signal.subscribe(self, theme.remember)
        keys, complaints = actions.keymap(self.session.settings.keys)
        self.set_keymap(keys)
        for complaint in complaints:
            self.changer.notify(complaint, "warning")

    def _attend(self, session: Session) -> None:
        """Change and watch the database of `session`."""
        self.changer = Changer(self, session, lambda: self.view)
        self._health = HealthWatch(session, self.changer.notify)

    def _watch(self) -> None:
        """Report what changed in health, unless that is off or nothing can be read."""
        is_off = self.is_paused or not self.session.settings.notifications
        looks = any(worker.group == "watch" and worker.is_running for worker in self.workers)
        if not (is_off or looks or self.view.failure):
            self.run_worker(self._health.look(), group="watch")

    @property
    def view(self) -> CockpitScreen:
        """The screen of the current mode, under whatever dialog there is."""
        return self._view(self.current_mode)

    # -- what screens ask for ------------------------------------------------------------------

    @on(Header.Chosen)
    async def _chosen(self, event: Header.Chosen) -> None:
        await self.action_go(event.screen)

    @on(messages.Go)
    async def _go(self, event: messages.Go) -> None:
        await self.action_go(event.screen)

    @on(messages.ShowTasks)
    async def _show_tasks(self, event: messages.ShowTasks) -> None:
        came_from = self.current_mode
        await self.action_go("tasks")
        self._view("tasks").show_where(event.where, came_from if came_from != "tasks" else "")

    @on(messages.DryRun)
    async def _dry_run(self, event: messages.DryRun) -> None:
        await self.action_go("consumer")
        self._view("consumer").dry_run(event.task)

    def _view(self, name: str) -> CockpitScreen:
        """The screen called `name`, made when it is first asked for."""
        if name not in self._views:
            self._views[name] = screen_class(name)(self.session)
        return self._views[name]

    # -- actions ---------------------------------------------------------------------------------

    async def action_go(self, screen: str) -> None:
        """Show one of the screens."""
        await self.switch_mode(screen)

    def action_refresh(self) -> None:
        """Read the data again now."""
        self.view.poller.wake()

    def action_pause(self) -> None:
        """Stop refreshing, or go on."""
        self.is_paused = not self.is_paused
        self.view.show_paused()

    def action_next_theme(self) -> None:
        """Go to the next theme."""
        names = [*theme.NAMES, *sorted(set(self.available_themes) - set(theme.NAMES))]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(HelpDialog(self.view.SCOPE, self.get_key_display_of))

    def action_profiles(self) -> None:
        """Choose another database by its profile."""
        try:
            profiles = list(read_config(config_path()).profiles.values())
        except TasqError as error:
            self.changer.notify(safe(error), "error")
            return
        if not profiles:
            self.changer.notify(
                f"no profiles yet: add [profiles.NAME] to {config_path()}", "warning"
            )
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                self.run_worker(self._open_profile(name), group="profile", exclusive=True)

        self.push_screen(ProfilesDialog(profiles, self.session.settings.profile), chosen)

    async def _open_profile(self, name: str) -> None:
        """Replace the session and all screens; without the other database they stay."""
        running = sum(view.handlers_running for view in self._views.values())
        if self.changer.is_busy or running:
            what = "a change is under way" if self.changer.is_busy else "handlers run"
            self.changer.notify(f"{what}; finish or stop that first", "warning")
            return
        try:
            session = await asyncio.to_thread(
                lambda: Session(load_settings(profile=name), self._clock)
            )
        except TasqError as error:
            self.changer.notify(safe(error), "error")
            return
        old, self.session = self.session, session
        await self.switch_mode(_BETWEEN)
        for mode in _CLASSES:
            await self.remove_mode(mode)
        self._views.clear()
        self._attend(session)
        for mode in _CLASSES:
            self.add_mode(mode, partial(self._view, mode))
        await self.switch_mode("overview")
        await asyncio.to_thread(old.close)
        for warning in session.settings.warnings:
            self.changer.notify(safe(warning), "warning")

    def get_key_display_of(self, action: actions.Action) -> str:
        """The keys of `action` as the user has set them."""
        keys = self._keymap.get(action.binding_id, action.key)
        bindings = Binding.make_bindings([Binding(keys, action.name)])
        return " ".join(self.get_key_display(binding) for binding in bindings)

    def action_migrate(self) -> None:
        """Create the missing table."""
        self.changer.begin("migrate", self._migrate)

    async def action_quit(self) -> None:
        """Leave; asks first where handlers run."""
        running = sum(view.handlers_running for view in self._views.values())
        if not running:
            self.exit(0)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit(0)

        self.push_screen(leaving_dialog(running), answered)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is something to migrate only where the table is missing."""
        if action == "migrate":
            failure = self.view.failure
            is_missing = failure is not None and isinstance(failure.error, TableMissingError)
            if not is_missing:
                return False
        if self.session.read_only and actions.writes(Scope.APP, action):
            return None
        return super().check_action(action, parameters)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action that can be called here, and the themes."""
        listed = set[str]()
        # Ours before the toolkit's own for the same action: they say what they do.
        for active in sorted(screen.active_bindings.values(), key=lambda a: not a.binding.id):
            binding = active.binding
            is_ours = bool(binding.id) or binding.description.startswith(_LISTED)
            if not is_ours or binding.action in listed:
                continue
            listed.add(binding.action)
            key = f"{self.get_key_display(binding)} · {binding.description}"
            call: Callable[[], Coroutine[Any, Any, object]]
            if active.enabled:
                call = partial(self.run_action, binding.action, active.node)
            else:
                key += " · not possible now"
                call = partial(self._refuse, binding.description)
            yield SystemCommand(binding.tooltip or binding.description, key, call)
        yield SystemCommand("Choose a theme", "Show all themes", self.action_change_theme)

    async def _refuse(self, label: str) -> None:
        why = "this session is read-only" if self.session.read_only else "there is nothing for it"
        self.changer.notify(f"{label}: not possible now; {why}", "warning")

    async def _migrate(self) -> MutationResult | None:
        session = self.session
        about = Content(
            f"{safe(session.settings.redacted_url)}\nThe table {session.table} and its indexes."
        )
        dialog = ConfirmDialog("Create the table?", about, "Create")
        if not await self.push_screen_wait(dialog):
            return None
        done = await self.changer.ask("Creating the table", lambda: _migrated(session))
        if done is not None:
            line = shlex.join(["tasq", "migrate", *target(session.settings)])
            session.note("migrate", line, done)
            self.changer.notify(f"the table {session.table} is there now")
        return done


def _migrated(session: Session) -> MutationResult:
    session.admin.client.migrate()
    return MutationResult(0, 0)
