"""What all screens have in common: header, banner, key bar, and reading again and again."""

from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget

from tasq_core.errors import RepositoryUnavailableError, StatementTimeoutError, TableMissingError
from tasq_core.task import Task
from tasq_tui.ui import actions
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.db.executor import Failure, QueryThreadClosedError
from tasq_tui.ui.db.polling import Cadence, Poller
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.banner import Banner
from tasq_tui.ui.widgets.header import Header
from tasq_tui.ui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from tasq_tui.ui.app import CockpitApp

_TICK_SECONDS: Final = 0.5


class CockpitScreen(Screen[None]):
    """A screen of the app. Subclasses give its parts (`body`) and read for it (`read`).

    It is made with the app's session alone. While it is shown, `read` is awaited again and
    again, as often as its cost allows; the header and the banner tell how that goes.
    """

    SCOPE: ClassVar[Scope]
    NAME: ClassVar[str]
    """Its name in the app: "tasks"."""
    EVERY_SECONDS: ClassVar[float] = 1.0
    """The pause between cheap questions."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, session: Session) -> None:
        super().__init__(id=f"{self.NAME}-screen")
        self.session = session
        self.poller = Poller(self._ask, Cadence(self.EVERY_SECONDS))
        self.failure: Failure | None = None
        # Kept, since answers still come in while the app closes and nothing can be queried.
        self.header = _header(session, self.NAME)
        self.banner = Banner()
        self._time_checked = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Bind the keys of the screen's scope."""
        if "SCOPE" in cls.__dict__:
            cls.BINDINGS = [*actions.bindings(cls.SCOPE), *cls.__dict__.get("BINDINGS", ())]
        super().__init_subclass__(**kwargs)

    def body(self) -> Iterator[Widget]:
        """The screen's own parts, between the banner and the key bar."""
        yield from ()

    async def read(self) -> Failure | None:
        """Read what is shown; why it couldn't be read."""
        return None

    def tick(self) -> None:
        """Let ages and countdowns go on; called twice a second."""

    def changed(self) -> None:
        """The table was changed from here: show it."""
        self.session.figures.expire()
        self.poller.wake()

    def show_where(self, text: str, origin: str = "") -> None:
        """Show the tasks that match a filter, asked from `origin`; for the screen that can."""

    def dry_run(self, task: Task) -> None:
        """Try a handler on `task` without touching the table; for the screen that can."""

    @property
    def handlers_running(self) -> int:
        """Handlers that leaving the app would cut off."""
        return 0

    def compose(self) -> ComposeResult:
        """Header, banner, body, key bar."""
        yield self.header
        yield self.banner
        yield from self.body()
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to read."""
        self.run_worker(self.poller.run(), name="poll", group="poll")
        self.set_interval(_TICK_SECONDS, self._tick)

    def on_screen_suspend(self) -> None:
        """Read nothing while another screen is shown."""
        self.poller.pause()

    def on_screen_resume(self) -> None:
        """Go on reading."""
        self.show_paused()
        self.poller.wake()

    def restart(self, group: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` instead of what still runs for `group`."""
        # Called by the worker: a coroutine that was replaced before it began would complain.
        self.run_worker(cast("Any", work), group=group, exclusive=True)

    def show_paused(self) -> None:
        """Go on reading, unless the user paused that."""
        if self.is_paused_by_user:
            self.poller.pause()
        else:
            self.poller.resume()
        self.header.show_paused(self.is_paused_by_user)

    def freeze(self, frozen: bool) -> None:
        """Keep the rows where they are while a change of them is asked about, or release them."""

    @property
    def is_paused_by_user(self) -> bool:
        """Whether refreshing is off."""
        return self.cockpit.is_paused

    @property
    def is_in_view(self) -> bool:
        """Whether it is shown, or a dialog is; neither while the app closes."""
        on_top = self.app.screen_stack[-1:]  # nothing then, and `app.screen` raises
        return self.is_current or any(screen.is_modal for screen in on_top)

    @property
    def cockpit(self) -> "CockpitApp":
        """The app, by its own type."""
        return cast("CockpitApp", self.app)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Changes are off in a read-only session."""
        del parameters
        if self.session.read_only and actions.writes(self.SCOPE, action):
            return None
        return True

    def key_of(self, name: str) -> str:
        """The key of one of this screen's actions, as the user has set it."""
        return self.cockpit.get_key_display_of(actions.named(self.SCOPE, name))

    def show_failure(self, failure: Failure | None) -> None:
        """Tell why the data is old, or that it is fresh again."""
        if failure is not None:
            self.header.show_read(failed=_word(failure))
        had, self.failure = self.failure, failure
        if failure is None:
            self.set_class(False, "-offline")
            if had is not None:
                self.banner.clear()
                self.refresh_bindings()
            return
        self.set_class(True, "-offline")
        self._report(failure)
        if had is None or type(had.error) is not type(failure.error):
            self.refresh_bindings()

    def _report(self, failure: Failure) -> None:
        error = failure.error
        if isinstance(error, TableMissingError):
            offer = "" if self.session.read_only else " Press m to create it now."
            table = safe(error.table or self.session.table)
            self.banner.say("warning", f"The table {table} doesn't exist here.{offer}")
            return
        cause = str(error).partition("\n")[0]
        self.banner.say("error", _trouble(failure), cause, lambda: self.poller.countdown)

    async def _ask(self) -> Failure | None:
        self.header.show_reading()
        failure = None if self._time_checked else await self.session.check_time()
        if failure is None:
            self._time_checked = True
            failure = await self.read()
        if failure is not None and isinstance(failure.error, QueryThreadClosedError):
            return failure
        self._time_checked = self._time_checked and failure is None
        self.show_failure(failure)
        self.header.show_read(failed=_word(failure))
        return failure

    def _tick(self) -> None:
        if self.is_in_view:
            self.header.tick()
            self.tick()


def _word(failure: Failure | None) -> str:
    """What the header says of a failure."""
    if failure is None:
        return ""
    if isinstance(failure.error, TableMissingError):
        return "no table"
    if isinstance(failure.error, StatementTimeoutError):
        return "timed out"
    return "offline" if isinstance(failure.error, RepositoryUnavailableError) else "refused"


def _trouble(failure: Failure) -> str:
    """What the banner says of a failure, before its cause."""
    if isinstance(failure.error, StatementTimeoutError):
        return "The database ended what took too long"
    is_away = isinstance(failure.error, RepositoryUnavailableError)
    return "Database unavailable" if is_away else "The database refused"


def _header(session: Session, screen: str) -> Header:
    settings = session.settings
    return Header(
        settings.profile, settings.redacted_url, settings.color,
        read_only=settings.read_only, screen=screen, prefix=settings.prefix,
    )  # fmt: skip
