"""The client: one table, one codec, and everything that works on them."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, Unpack

from tasq_core.args import JSON, Codec, codec_named
from tasq_core.cleaner import Cleaner
from tasq_core.consumer import Consumer, OptionChanges
from tasq_core.durations import Duration, seconds
from tasq_core.errors import InvalidInputError
from tasq_core.inspector import Inspector
from tasq_core.producer import Producer
from tasq_core.repository import Repository, open_repository
from tasq_core.repository.redaction import redact
from tasq_core.repository.urls import parse_url
from tasq_core.task import check_integer


class Client:
    """Makes producers, consumers, cleaners and inspectors over one repository.

    A context manager: leaving it closes the repository.
    """

    def __init__(self, repository: Repository, codec: Codec | str = JSON) -> None:
        self.repository = repository
        self.codec = codec_named(codec) if isinstance(codec, str) else codec

    def migrate(self) -> None:
        """Create the table, or adopt one that Go made; safe to call at every start."""
        self.repository.migrate()

    def new_producer(self) -> Producer:
        """A producer that encodes with this client's codec."""
        return Producer(self.repository, self.codec)

    def new_consumer(self, **options: Unpack[OptionChanges]) -> Consumer:
        """A consumer; `options` are the fields of `ConsumerOptions`."""
        return Consumer(self.repository, **options)

    def new_cleaner(self) -> Cleaner:
        """A cleaner of finished tasks."""
        return Cleaner(self.repository)

    def new_inspector(self) -> Inspector:
        """An inspector of the whole table."""
        return Inspector(self.repository)

    def close(self) -> None:
        """Close the repository's connections."""
        self.repository.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


_LARGEST_POOL = 10_000

_ONLY: dict[str, Sequence[str]] = {
    "pool_size": ("postgresql", "mysql"),
    "connect_timeout": ("postgresql", "mysql"),
    "statement_timeout": ("postgresql", "mysql"),
    "time_zone": ("mysql",),
}


def connect(
    url: str,
    *,
    prefix: str = "",
    codec: Codec | str = JSON,
    pool_size: int | None = None,
    connect_timeout: Duration | None = None,
    statement_timeout: Duration | None = None,
    time_zone: str | None = None,
    read_only: bool = False,
    wake_up: bool = True,
) -> Client:
    """A client of the database at `url`. Nothing is sent before the first call.

    Args:
        url: `postgresql://user@host/db`, `mysql://…`, `sqlite:///file.db` or `sqlite://`.
        prefix: the table is `<prefix>_tasks`, or `tasks` without one.
        codec: how arguments are encoded: "json", "gob", or a Codec.
        pool_size: connections at most (PostgreSQL, MySQL; 10).
        connect_timeout: seconds to wait for a connection (PostgreSQL, MySQL; 5).
        statement_timeout: seconds a statement may take (PostgreSQL, MySQL).
        time_zone: the zone whose wall time the table holds (MySQL; "UTC", "local" or a name
            like "Europe/Berlin": Go's library stores its process's local time).
        read_only: the database session refuses every write.
        wake_up: let idle consumers be woken by new tasks; without it they poll.

    Raises:
        InvalidInputError: a URL, prefix or option that can't be used.
    """
    kind = parse_url(url).kind
    given: dict[str, Any] = {
        "pool_size": pool_size,
        "connect_timeout": connect_timeout,
        "statement_timeout": statement_timeout,
        "time_zone": time_zone,
    }
    options: dict[str, Any] = {"read_only": read_only, "wake_up": wake_up}
    if pool_size is not None:
        check_integer("pool_size", pool_size, 1, _LARGEST_POOL)
    for name, value in given.items():
        if value is None or (kind not in _ONLY[name] and name != "time_zone"):
            continue  # SQLite has no pool and no server to wait for
        if kind not in _ONLY[name]:
            raise InvalidInputError(f"time_zone is for MySQL; {redact(url)!r} needs none")
        options[name] = seconds(name, value) if name.endswith("timeout") else value
    return Client(open_repository(url, prefix, **options), codec)
