"""The doctor: looks a database over, and says what is wrong and what would help."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from time import perf_counter
from typing import Final

from tasq_core.errors import (
    RepositoryError,
    RepositoryUnavailableError,
    StatementTimeoutError,
)
from tasq_core.filters import Filter
from tasq_core.reports import Health
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.repository.schema_check import Structure, other_spelling, structure
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import TaskStatus
from tasq_core.wording import counted
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.table_times import described, offset_of_times
from tasq_tui.admin.wording import span

_SLOW_SECONDS: Final = 0.25
_SKEW_SECONDS: Final = 5.0
_LONG_WAIT_SECONDS: Final = 3600.0
_MANY_FINISHED: Final = 1_000_000
_DEAD_SHARE: Final = 0.5


class Verdict(StrEnum):
    """How a finding is meant."""

    GOOD = "ok"
    HINT = "hint"
    """Works, and could be better."""
    WARNING = "warning"
    """Works now, and will hurt."""
    PROBLEM = "problem"
    """Doesn't work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    topic: str
    verdict: Verdict
    message: str
    remedy: str = ""
    """What to do: a command, or DDL."""


def examine(repository: Repository, settings: Settings) -> Iterator[Finding]:
    """All findings, the connection first; nothing is changed.

    Raises:
        RepositoryUnavailableError: no connection, so there is nothing to examine.
    """
    started = perf_counter()
    clock = repository.now()
    seconds = perf_counter() - started
    try:
        found = structure(repository)
        yield _connection(settings, seconds, found)
        yield _clock(clock, seconds)
        yield _server(found, repository)
        yield from _schema(repository, settings, found)
        if found.exists and not found.differences and "SELECT" not in found.lacking:
            yield from _contents(repository, found, clock)
    except StatementTimeoutError as error:
        yield Finding(
            "timeout", Verdict.PROBLEM, f"not everything could be looked at: {error}",
            "give it longer with --timeout",
        )  # fmt: skip
    except RepositoryUnavailableError:
        raise
    except RepositoryError as error:
        yield Finding("contents", Verdict.PROBLEM, str(error))


def _connection(settings: Settings, seconds: float, found: Structure) -> Finding:
    mode = "read-only" if settings.read_only or not found.writable else "read-write"
    answer = f"{settings.redacted_url} answers in {seconds * 1000:.0f} ms, {mode}"
    if not found.writable and not settings.read_only:
        return Finding(
            "connection", Verdict.WARNING,
            f"{answer}: this server takes no writes (a standby, or read_only is set)",
            "connect to the primary for producers and consumers; reading works here",
        )  # fmt: skip
    if seconds > _SLOW_SECONDS:
        return Finding("connection", Verdict.HINT, answer, "a consumer belongs near its database")
    return Finding("connection", Verdict.GOOD, answer)


def _clock(clock: datetime, seconds: float) -> Finding:
    skew = (clock - datetime.now(UTC)).total_seconds()
    if abs(skew) - seconds <= _SKEW_SECONDS:
        return Finding("clock", Verdict.GOOD, f"the database's clock is {skew:+.1f} s from ours")
    return Finding(
        "clock", Verdict.WARNING, f"the database's clock is {skew:+.0f} s from ours",
        "set both by NTP; delays given as times are then off by so much",
    )  # fmt: skip


_TRIGGER_SAYS: Final = {
    True: "a trigger notifies at every insert, Go's too, and holds back concurrent writers;"
    " `tasq migrate --no-notify` drops it",
    False: "tasq's own submits notify; inserts by other programs wait for the next poll, unless"
    " `tasq migrate --notify` adds a trigger",
}


def _server(found: Structure, repository: Repository) -> Finding:
    said = f"{found.version}, time zone {found.zone}, encoding {found.encoding or 'unknown'}"
    expected = {"postgresql": "UTF8", "sqlite": "UTF-8"}.get(repository.dialect, "utf8mb4")
    if not found.encoding or found.encoding.upper() == expected.upper():
        return Finding("server", Verdict.GOOD, said)
    remedy = (
        f"ALTER TABLE {repository.table} CONVERT TO CHARACTER SET utf8mb4; it blocks writers"
        if repository.dialect in {"mysql", "mariadb"}
        else "a database made with ENCODING 'UTF8' TEMPLATE template0 holds every text"
    )
    return Finding("server", Verdict.WARNING, f"{said}: it can't hold every text", remedy)


def _schema(repository: Repository, settings: Settings, found: Structure) -> Iterator[Finding]:
    if not found.exists:
        spelled = other_spelling(repository)
        yield Finding(
            "table", Verdict.PROBLEM, f"there is no table {repository.table!r}"
            + (f", but {spelled!r}: case matters in the prefix" if spelled else ""),
            f"pass --prefix {prefix_of(spelled)}" if spelled else "tasq migrate",
        )  # fmt: skip
        return
    for name in found.extra:
        yield Finding(
            "table", Verdict.WARNING,
            f"column {name} isn't tasq's: Go programs fail on every query",
            "keep what it holds in a table of its own, with the task's id",
        )  # fmt: skip
    for difference in found.differences:
        yield Finding(
            "table", Verdict.PROBLEM, difference,
            "restore the column as the documentation has it; Go programs need it too",
        )  # fmt: skip
    if not found.differences and not found.extra:
        yield Finding("table", Verdict.GOOD, f"{repository.table} is as it should be")
    for what, remedy in found.broken:
        key = what.startswith("the primary key")
        yield Finding("schema", Verdict.PROBLEM if key else Verdict.WARNING, what, f"{remedy};")
    for name, ddl in found.missing:
        kind, _, own = name.partition("_")
        said = {
            "drop": f"index {own} serves no query any more",
            "replace": f"index {own} has the columns of an older version",
        }.get(kind, f"{name} is missing")
        yield Finding("schema", Verdict.WARNING, said, f"tasq migrate, or: {ddl};")
    if not found.missing and not found.broken:
        yield Finding("schema", Verdict.GOOD, "key and indexes are as they should be")
    yield _side_tables(repository, consumes=not (settings.read_only or found.lacking))
    if found.notify_trigger is not None:
        yield Finding("wake-ups", Verdict.GOOD, _TRIGGER_SAYS[found.notify_trigger])
    if found.lacking:
        yield _rights(repository, settings, found)
    else:
        yield Finding("rights", Verdict.GOOD, "this user may read and change the table")


def _side_tables(repository: Repository, *, consumes: bool) -> Finding:
    side = SideTables(repository)
    missing = side.missing()
    if not missing:
        lacking = ", ".join(side.lacking()) if consumes else ""
        if lacking:
            return Finding(
                "side tables", Verdict.WARNING,
                f"this user may not {lacking}: its consumers show in no fleet, or note no attempts",
                "as their owner: GRANT SELECT, INSERT, UPDATE, DELETE on them TO the user",
            )  # fmt: skip
        return Finding("side tables", Verdict.GOOD, "registry, pauses, attempts and schedules")
    return Finding(
        "side tables", Verdict.HINT,
        f"{counted(len(missing), 'part')} missing: no registry of consumers, pauses, attempts or"
        " schedules that this user may read",
        "tasq migrate",
    )  # fmt: skip


def _rights(repository: Repository, settings: Settings, found: Structure) -> Finding:
    lacking = ", ".join(found.lacking)
    said = f"this user may not {lacking} on {repository.table}"
    reads = "SELECT" not in found.lacking
    if settings.read_only and reads:
        return Finding("rights", Verdict.GOOD, f"{said}, and --read-only needs none of it")
    if "INSERT" not in found.lacking:
        return Finding("rights", Verdict.HINT, f"{said}: enough for a producer, no consumer works")
    grant = f"GRANT {lacking} ON {repository.table} TO the user"
    return Finding(
        "rights", Verdict.WARNING, said, f"{grant}, or use --read-only" if reads else grant
    )


def prefix_of(table: str) -> str:
    """The prefix of a task table's name."""
    return table.removesuffix("tasks").removesuffix("_")


def _contents(repository: Repository, found: Structure, clock: datetime) -> Iterator[Finding]:
    counts, health = repository.open_counts()
    total = sum(counts.values())
    yield Finding(
        "open tasks", Verdict.GOOD,
        f"{total:,}: {health.ready:,} ready, {health.delayed:,} delayed, {health.leased:,} leased",
    )  # fmt: skip
    yield from _leases(health, clock)
    yield from _future(repository, clock)
    yield from _size(repository, found)


def _leases(health: Health, clock: datetime) -> Iterator[Finding]:
    if health.stale:
        yield Finding(
            "leases", Verdict.WARNING,
            f"{counted(health.stale, 'lapsed lease')}: a consumer died or hangs",
            "start a consumer of their types; tasq list --where is:stale shows them",
        )  # fmt: skip
    if health.exhausted:
        yield Finding(
            "attempts", Verdict.WARNING,
            f"{counted(health.exhausted, 'task')} without attempts left, and without an outcome",
            "the next poll ends them FAILED; tasq list --where is:exhausted shows them",
        )  # fmt: skip
    if health.oldest_ready is not None:
        waited = (clock - health.oldest_ready).total_seconds()
        if waited > _LONG_WAIT_SECONDS:
            yield Finding(
                "backlog", Verdict.WARNING, f"the oldest ready task has waited {span(waited)}",
                "is a consumer of its queue and type running? tasq list --where is:ready --order"
                " oldest --limit 1",
            )  # fmt: skip


def _future(repository: Repository, clock: datetime) -> Iterator[Finding]:
    """Rows from the future: a producer's clock, or local time written without its zone."""
    newest = repository.page(Filter(), PageOrder.NEWEST, None, 1)
    if not newest:
        return
    offset = offset_of_times(repository)
    if offset:
        yield Finding(
            "time zone", Verdict.WARNING, described(offset),
            "or run Go's programs with TZ=UTC; changes are refused until a zone is named",
        )  # fmt: skip
        return
    ahead = (newest[0].created_at - clock).total_seconds()
    if ahead > _SKEW_SECONDS:
        yield Finding(
            "producers' clocks", Verdict.WARNING,
            f"the newest task claims to be created in {span(ahead)}",
            "set the producers' clocks by NTP",
        )  # fmt: skip


def _size(repository: Repository, found: Structure) -> Iterator[Finding]:
    megabytes = (found.table_bytes + found.index_bytes) / 1_000_000
    finished = sum(repository.finished_counts().get(status, 0) for status in _FINISHED)
    yield Finding(
        "size", Verdict.GOOD, f"{megabytes:,.1f} MB, {counted(finished, 'finished task')}"
    )
    if finished > _MANY_FINISHED:
        yield Finding(
            "history", Verdict.HINT, f"{counted(finished, 'finished task')} kept",
            "tasq clean --age 7d, from time to time",
        )  # fmt: skip
    if repository.dialect == "postgresql" and found.dead > max(10_000, found.rows * _DEAD_SHARE):
        yield Finding(
            "bloat", Verdict.HINT,
            f"{counted(found.dead, 'dead row')} beside {found.rows:,} living",
            f"VACUUM {repository.table}; or lower its autovacuum_vacuum_scale_factor",
        )  # fmt: skip
    if repository.dialect == "sqlite" and found.dead > max(
        10_000_000, found.table_bytes * _DEAD_SHARE
    ):
        yield Finding(
            "bloat", Verdict.HINT, f"{counted(found.dead, 'byte')} of the file free", "VACUUM"
        )


_FINISHED: Final = (TaskStatus.SUCCESSFUL, TaskStatus.FAILED)
