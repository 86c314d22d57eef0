"""Opens the database that the settings name."""

from tasq_core.client import Client, connect
from tasq_core.errors import InvalidInputError, ReadOnlyError
from tasq_core.filters import Filter
from tasq_tui.admin.passwords import with_password
from tasq_tui.admin.settings import Settings


def open_client(settings: Settings, *, timeout: float | None = None) -> Client:
    """A client of the settings' database. Nothing is sent before the first call.

    Read-only settings open sessions in which the database itself refuses every write.

    Args:
        settings: which database, and whether it may be changed.
        timeout: seconds that connecting, and each statement, may take.

    Raises:
        InvalidInputError: a URL or prefix that can't be used.
        RepositoryError: the database's driver isn't installed.
    """
    return connect(
        with_password(settings),
        prefix=settings.prefix,
        time_zone=settings.time_zone or None,
        read_only=settings.read_only,
        connect_timeout=timeout,
        statement_timeout=timeout,
    )


def check_table(client: Client) -> None:
    """Find out now, not halfway through, whether the database and its table are there.

    Raises:
        RepositoryUnavailableError: no connection.
        TableMissingError: it wasn't migrated.
    """
    client.repository.page(Filter(), limit=1)


def check_writable(settings: Settings, verb: str) -> None:
    """Refuse a change before anything is read, asked or written to the trash.

    Raises:
        InvalidInputError: two sources name different databases.
        ReadOnlyError: the settings are read-only.
    """
    if settings.conflict:
        raise InvalidInputError(f"{verb} is refused: {settings.conflict}")
    if settings.read_only:
        raise ReadOnlyError(
            f"{settings.redacted_url} is open read-only, so {verb} is refused; leave out"
            " --read-only, or change the profile"
        )
