"""The client: one table, one codec, and everything that works on them."""

from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from tasq_core.args import JSON, Codec, codec_named
from tasq_core.cleaner import Cleaner
from tasq_core.durations import Duration, seconds
from tasq_core.errors import TableMissingError
from tasq_core.fleet.findings import Limits, Verdict
from tasq_core.fleet.pauses import Pauses, checked_reason, chosen, whoami
from tasq_core.inspector import Inspector
from tasq_core.producer import Producer
from tasq_core.reports import Schedule
from tasq_core.repository import Repository, open_repository
from tasq_core.repository.claims_sql import SqlClaims
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import Task

if TYPE_CHECKING:
    from tasq_core.consumer import Consumer, OptionChanges
    from tasq_core.fleet.schedules import Schedules


class Client:
    """Makes producers, consumers, cleaners and inspectors over one repository.

    A context manager: leaving it closes the repository.
    """

    def __init__(self, repository: Repository, codec: Codec | str = JSON) -> None:
        self.repository = repository
        self.codec = codec_named(codec) if isinstance(codec, str) else codec
        self._schedules: Schedules | None = None

    def migrate(self, *, side_tables: bool = True, notify: bool | None = None) -> None:
        """Create the table, or adopt one that Go made; safe to call at every start.

        Args:
            side_tables: make the side tables too (registry, pauses, attempts, schedules), as
                far as this user may. Go never sees them; consumers work without.
            notify: PostgreSQL: whether a trigger wakes idle consumers at every insert. It is
                for programs other than this library, which notifies after its commits, and
                holds back concurrent writers. None: with a table of Go's that is adopted now;
                not with a new one; else as it is.
        """
        if notify is None:
            self.repository.migrate()
        else:
            self.repository.migrate_with_trigger(notify)
        if side_tables and isinstance(self.repository, SqlClaims):
            SideTables(self.repository).make()

    def new_producer(self) -> Producer:
        """A producer that encodes with this client's codec."""
        return Producer(self.repository, self.codec)

    def new_consumer(self, **options: "Unpack[OptionChanges]") -> "Consumer":
        """A consumer; `options` are the fields of `ConsumerOptions`."""
        from tasq_core.consumer import Consumer  # noqa: PLC0415 - most programs only submit

        return Consumer(self.repository, **options)

    def new_cleaner(self) -> Cleaner:
        """A cleaner of finished tasks."""
        return Cleaner(self.repository)

    def new_inspector(self) -> Inspector:
        """An inspector of the whole table."""
        return Inspector(self.repository)

    def schedule(
        self,
        name: str,
        cron: str,
        type: str,
        args: Any = None,
        *,
        time_zone: str = "UTC",
        queue: str = "",
        priority: int = 0,
        max_receives: int = 0,
        missed: str = "latest",
    ) -> Schedule:
        """Declare a periodic task; any running Python consumer of this table submits it.

        Each tick is submitted once, whatever the number of consumers and their clocks: the
        database's decides. Its task's `created_at` is the tick. Call this at every start: the
        same declaration changes nothing; another one under the same name replaces the former,
        so that the last deployed wins, and a new `cron` or `time_zone` counts from now. A paused
        schedule stays paused. Needs the extra `tasq-core[schedules]`.

        Args:
            name: one to 200 characters, unique in the table.
            cron: five fields (minute, hour, day of the month, month, day of the week), six with
                seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
            type: the task's type.
            args: as of `submit`, the same at every tick.
            time_zone: whose wall time `cron` is in. With fixed hours a tick in the hour that
                daylight saving skips comes right after it, and in the hour that comes twice once.
            queue: as of `submit`.
            priority: as of `submit`.
            max_receives: as of `submit`.
            missed: ticks that came while no consumer ran: "latest" submits the last one only,
                "all" every one, "none" drops those that are more than a minute late.

        Raises:
            CronSyntaxError: a line that can't be read; with a caret at the place.
            InvalidInputError: an unknown zone or policy, a value the table can't hold, or a name
                that this client has declared already with another content.
            TableMissingError: `migrate` hasn't made the side tables.
        """
        task = Task.new(type, args, queue, priority, max_receives, codec=self.codec)
        return self.schedules().declare(name, cron, task, time_zone, missed)

    def unschedule(self, name: str) -> bool:
        """Remove a schedule; False where there is none. Tasks that were submitted stay.

        A schedule that code no longer declares goes on until it is removed here or by
        `tasq schedules remove`.
        """
        return self.schedules().remove(name)

    def schedules(self) -> "Schedules":
        """This table's schedules: `all`, `get`, `pause`, `resume`, `run_now`, `remove`."""
        if self._schedules is None:
            from tasq_core.fleet.schedules import Schedules  # noqa: PLC0415 - for those who use it

            self._schedules = Schedules(self.repository)
        return self._schedules

    def pause(
        self,
        *,
        queue: str | None = None,
        type: str | None = None,
        until: datetime | timedelta | None = None,
        reason: str = "",
    ) -> None:
        """Let Python consumers claim nothing of a queue, or of a type; running tasks go on.

        At once on PostgreSQL and SQLite, within a heartbeat (4 s) on MySQL. Go's consumers
        don't know of pauses. A pause that is there already is changed.

        Args:
            queue: the queue; "" is the default one.
            type: or the type.
            until: an aware time, or a timedelta from now; None until `resume`.
            reason: for whoever looks.

        Raises:
            InvalidInputError: not exactly one of `queue` and `type`, or an `until` that passed.
            TableMissingError: the database has no side tables.
        """
        kind, name = chosen(queue, type)
        self._pauses().add(kind, name, until, checked_reason(reason), whoami())

    def resume(self, *, queue: str | None = None, type: str | None = None) -> bool:
        """End a pause; whether there was one.

        Raises:
            InvalidInputError: not exactly one of `queue` and `type`.
            TableMissingError: the database has no side tables.
        """
        kind, name = chosen(queue, type)
        return self._pauses().remove(kind, name)

    def _pauses(self) -> Pauses:
        side = SideTables(self.repository)
        if not side.exist():
            raise TableMissingError(
                f"there are no tables {side.lead}_… that this user may read: `tasq migrate` or"
                " client.migrate() makes them; where they exist, their owner grants rights on them",
                f"{side.lead}_pauses",
            )
        return Pauses(side)

    def health(
        self,
        *,
        max_wait: Duration = 300,
        max_failing: float = 0.05,
        queue: str | None = None,
        window: Duration = 600,
    ) -> Verdict:
        """What keeps tasks from running or lets them fail, with figures, cause and next step.

        Args:
            max_wait: seconds for which a task may be ready before it is claimed.
            max_failing: which part of the tasks that end may fail, 0 to 1.
            queue: judge this queue alone: its tasks, their timings and errors, the consumers that
                take it. What holds up the database concerns every queue, and is told as well.
            window: seconds that "lately" reaches back; compared with the day before.

        Raises:
            InvalidInputError: a limit that can't be used.
            InvalidTypeError: not a duration.
        """
        from tasq_core.fleet.examination import examine  # noqa: PLC0415 - few programs ask

        wait = timedelta(seconds=seconds("max_wait", max_wait))
        back = timedelta(seconds=seconds("window", window, positive=True))
        return examine(self.repository, Limits(wait, max_failing), queue, back)

    def close(self) -> None:
        """Close the repository's connections; every later call raises RepositoryError."""
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

    Every option but `prefix` and `codec` may stand in the URL's query too, such as
    `?pool_size=4&wake_up=false`. An argument given here counts more; `read_only` and no
    `wake_up` hold wherever they are said.

    Args:
        url: `postgresql://user@host/db`, `mysql://…`, `sqlite:///file.db` or `sqlite://`. A
            server's may list hosts, tried in order: `postgresql://a:5432,b:5432/db`.
        prefix: the table is `<prefix>_tasks`, or `tasks` without one. PostgreSQL's schema or
            MySQL's database may stand before it: `sch.billing`.
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
    given = {
        "pool_size": pool_size,
        "connect_timeout": connect_timeout,
        "statement_timeout": statement_timeout,
        "time_zone": time_zone,
        "read_only": read_only or None,
        "wake_up": None if wake_up else False,
    }
    options = {name: value for name, value in given.items() if value is not None}
    return Client(open_repository(url, prefix, **options), codec)
