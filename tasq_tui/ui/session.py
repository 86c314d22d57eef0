"""What one run of the app shares between its screens: connections, clock, log, undo."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tasq_core.client import Client
from tasq_core.errors import TasqError
from tasq_core.reports import MutationResult
from tasq_tui.admin.operation import Recorded, record
from tasq_tui.admin.session import open_client
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.db.executor import Answer, Failure, QueryThread
from tasq_tui.ui.db.stats import Figures

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

_CLOSING_SECONDS: Final = 0.5


class Connection:
    """A client for one purpose, and the thread it is used on."""

    def __init__(self, purpose: str, client: Client) -> None:
        self.client = client
        self.repository = client.repository
        self.inspector = client.new_inspector()
        self._queries = QueryThread(purpose, client.repository.interrupt)

    async def run(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> Answer[T]:
        """The answer of a call on the connection's thread; errors are raised as they are."""
        return await self._queries.run(call, *args, **kwargs)

    async def attempt(
        self, call: Callable[..., T], *args: Any, **kwargs: Any
    ) -> Answer[T] | Failure:
        """As `run`, with tasq's own errors returned instead of raised."""
        return await self._queries.attempt(call, *args, **kwargs)

    def close(self) -> None:
        """Interrupt what runs, and close the client."""
        self._queries.close()
        with suppress(TasqError):
            self.client.close()


class Session:
    """The database that the app is open on, and what was done to it."""

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Open a client for each purpose; nothing is sent before it is used.

        Args:
            settings: which database.
            clock: this machine's.

        Raises:
            InvalidInputError: a URL or prefix that can't be used.
            RepositoryError: the database's driver isn't installed.
        """
        self.settings = settings
        self.log: list[Recorded] = []
        self.changes: set[Path] = set()
        """Files of the undo log that this run wrote."""
        self.figures = Figures()
        self._clock = clock
        self._skew = timedelta()
        self._shared = _memory_client(settings)
        self.page = self._connection("page")
        self.detail = self._connection("detail")
        self.stats = self._connection("stats")
        self.scan = self._connection("scan")
        self.admin = self._connection("admin")

    @property
    def read_only(self) -> bool:
        """Whether the table may only be looked at."""
        return self.settings.read_only

    @property
    def table(self) -> str:
        """The table's name."""
        return self.admin.repository.table

    @property
    def queues(self) -> Sequence[str]:
        """The queues there are, as far as was counted."""
        return [row.name for row in self.figures.queues.value or ()]

    @property
    def types(self) -> Sequence[str]:
        """The task types there are, as far as was counted."""
        return [row.name for row in self.figures.types.value or ()]

    def now(self) -> datetime:
        """The database's clock, as well as is known."""
        return self._clock() + self._skew

    async def check_time(self) -> Failure | None:
        """Find out how far the database's clock is from this machine's."""
        answer = await self.page.attempt(self.page.repository.now)
        if isinstance(answer, Failure):
            return answer
        skew = answer.value - self._clock()
        # What the question itself took must not make ages jump about.
        self._skew = skew if abs(skew) > timedelta(seconds=1) else timedelta()
        return None

    def note(self, verb: str, command: str, result: MutationResult) -> str:
        """Record what was done beside `Operation.run`; what went wrong with that, or "".

        Args:
            verb: as in `tasq submit`.
            command: the equivalent command line.
            result: what it did.
        """
        recorded = record(self.settings, verb, command, result)
        self.log.append(recorded)
        return recorded.problem

    def close(self) -> None:
        """Close all connections, waiting only briefly for one that hangs."""
        closing = [
            threading.Thread(target=connection.close, name="tasq-close", daemon=True)
            for connection in (self.page, self.detail, self.stats, self.scan, self.admin)
        ]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(_CLOSING_SECONDS)

    def _connection(self, purpose: str) -> Connection:
        return Connection(purpose, self._shared or open_client(self.settings))


def _memory_client(settings: Settings) -> Client | None:
    """The one client there can be of a table in memory, which each connection has its own of."""
    return open_client(settings) if settings.url.rstrip("/") == "sqlite:" else None
