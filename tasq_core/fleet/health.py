"""The health rules: each a pure function from figures and limits to findings."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from shlex import quote
from typing import Final

from tasq_core.fleet.findings import Figures, Finding, Limits, Severity, Verdict, lasting, share
from tasq_core.fleet.reports import ConsumerReport, Pause
from tasq_core.repository.figures_sql import OpenPair
from tasq_core.wording import counted

Rule = Callable[[Figures, Limits], Iterable[Finding]]

LAPSED_TOO_LONG: Final = timedelta(minutes=1)
"""A lapsed lease is claimed again with the next poll, if anybody polls."""
_FEWEST_RETRYING: Final = 20
_UNKNOWN_BUSY: Final = "how busy its workers are can't be known: no registered consumer takes it"


def judge(figures: Figures, limits: Limits) -> Verdict:
    """All findings, worst first; none that an earlier rule's finding explains already."""
    found: list[Finding] = []
    explained: set[tuple[str, str]] = set()
    for rule in RULES:
        for finding in rule(figures, limits):
            if not finding.covers or not finding.covers <= explained:
                found.append(finding)
                explained |= finding.covers
    found.sort(key=lambda finding: finding.severity is not Severity.PROBLEM)
    unknown = []
    if not figures.registry:
        unknown.append(
            "consumers and pauses can't be known: this database has no side tables that"
            " this user may read; `tasq migrate` makes them"
        )
    return Verdict(tuple(found), figures.now, tuple(unknown))


_BLOCKS: Final = {
    "lock": (
        "session", "{who} waits for a lock on the task table for {time}",
        "session {detail} holds it", Severity.PROBLEM,
    ),
    "transaction": (
        "session", "{who} has held a transaction with locks open for {time}",
        "its program neither commits nor rolls back ({detail}); what it has locked waits",
        Severity.PROBLEM,
    ),
    "snapshot": (
        "session", "{who} has held a snapshot of the database open for {time}",
        "a long query or transaction ({detail}): until it ends, dead rows can't be cleaned up",
        Severity.WARNING,
    ),
    "standby": (
        "standby", "{who} lags behind by {time}",
        "its network or disk is too slow, or it is down", Severity.WARNING,
    ),
    "read-only": (
        "this server", "it takes no writes ({detail})",
        "it is a replica, or was demoted: consumers that are led to it claim nothing",
        Severity.WARNING,
    ),
}  # fmt: skip
"""By kind: subject, text, cause, severity."""


# -- the rules -----------------------------------------------------------------------------------


def blocked(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """The database blocks: locks, long transactions, a lagging standby, a server without writes."""
    del limits
    for blocker in figures.blockers:
        noun, text, cause, severity = _BLOCKS[blocker.kind]
        said = {
            "who": blocker.who, "detail": blocker.detail.strip() or "another one",
            "time": lasting(blocker.seconds),
        }  # fmt: skip
        if blocker.kind == "read-only" and blocker.seconds:
            text += "; what it shows is {time} old"
        yield Finding(
            "blocked", severity, f"database, {noun} {blocker.who}".rstrip(),
            text.format(**said), cause.format(**said), "tasq doctor",
        )  # fmt: skip


def paused(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """Tasks wait because their queue or type is paused."""
    for pause in figures.pauses:
        pairs = [pair for pair in _waiting(figures, limits) if _is_paused(pair, [pause])]
        if pairs:
            until = "until resumed" if pause.until is None else f"until {pause.until:%F %T} UTC"
            why = f": {pause.reason}" if pause.reason else ""
            yield _finding(
                "paused", Severity.WARNING, f"{pause.kind} {pause.name}", figures, pairs,
                f"{pause.paused_by} paused it {until}{why}",
                f"tasq resume --{pause.kind} {quote(pause.name)}",
            )  # fmt: skip


def vanished(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """Consumers missed their heartbeats, and nobody has replaced them."""
    del limits
    for gone in figures.consumers:
        if not gone.vanished or any(_replaces(other, gone) for other in figures.consumers):
            continue
        held = len(gone.in_flight) + len(gone.waiting)
        covers = [
            (pair.queue, pair.type)
            for pair in figures.pairs
            if gone.takes(pair.type, pair.queue) and not _alive(figures, pair)
        ]
        yield Finding(
            "vanished", Severity.PROBLEM, f"consumer {gone.name}",
            f"{gone.name} (pid {gone.pid} on {gone.host}) sent its last heartbeat"
            f" {lasting(gone.silent)} ago, at {gone.heartbeat_at:%F %T} UTC, and held"
            f" {counted(held, 'task')}",
            "it was killed, hangs, or is cut off from the database; what it held runs again when"
            " its leases end",
            "tasq fleet", frozenset(covers),
        )  # fmt: skip


def unconsumed(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """Nobody consumes a queue and type."""
    if not figures.registry:
        return
    for pair in _waiting(figures, limits):
        goes_on = pair.leased or (
            pair.type in figures.lately and pair.queue in figures.queues_lately
        )
        if not _alive(figures, pair) and not goes_on:
            yield _finding(
                "unconsumed", Severity.PROBLEM, _subject(pair), figures, [pair],
                f"no registered consumer takes it ({_alive_count(figures):,} alive), nobody holds"
                f" one of its tasks, and none ended in the last {lasting(figures.window)}",
                f"tasq work MODULE:ATTR --queue {quote(pair.queue)}",
            )  # fmt: skip


def slower(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """All workers are busy, and handlers take longer than before."""
    for kind, lately in figures.lately.items():
        before = figures.before.get(kind)
        pairs = [pair for pair in figures.pairs if pair.type == kind and pair.ready]
        if before is None or not pairs or lately.run is None or before.run is None:
            continue
        enough = min(lately.done + lately.failed, before.done + before.failed) >= limits.fewest
        factor = lately.run.p50 / max(before.run.p50, 1e-3)
        busy = _busy(figures, pairs)
        if not enough or factor < limits.slower or busy == "":
            continue
        yield Finding(
            "slower", Severity.WARNING, f"type {kind}",
            f"its handlers take {lasting(lately.run.p50)} (median of the last"
            f" {lasting(figures.window)}), {factor:.1f} times the {lasting(before.run.p50)} of the"
            f" day before; {_ready(sum(pair.ready for pair in pairs))}; {busy}",
            "what the handlers use has become slow: a database, a service, the machine",
            "tasq stats --by type --timings",
            frozenset((pair.queue, pair.type) for pair in pairs),
        )  # fmt: skip


def failing(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """More tasks fail than may."""
    for kind, lately in figures.lately.items():
        ended, before = lately.done + lately.failed, figures.before.get(kind)
        if ended < limits.fewest or lately.failed_share <= limits.max_failing:
            continue
        rate = "there is nothing earlier to compare with"
        if before is not None:
            rate = f"{share(before.failed_share)} did in the day before"
        group = next(iter(figures.failures.get(kind, ())), None)
        cause = "the messages of the failures can't be read"
        if group is not None:
            cause = f"{_times(group.count)} since {group.first_seen:%F %T} UTC: {group.message}"
        yield Finding(
            "failing", Severity.WARNING, f"type {kind}",
            f"{share(lately.failed_share)} of {counted(ended, 'task')} that ended in the last"
            f" {lasting(figures.window)} failed; {rate}",
            cause, f"tasq errors --type {quote(kind)}",
        )  # fmt: skip


def retrying(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """Most of the open tasks have failed and will be tried again."""
    del limits
    for pair in figures.pairs:
        open_tasks = pair.ready + pair.delayed + pair.leased
        if pair.retrying >= _FEWEST_RETRYING and pair.retrying * 2 > open_tasks:
            where = f"is:retrying queue:{_word(pair.queue)} type:{_word(pair.type)}"
            yield Finding(
                "retrying", Severity.WARNING, _subject(pair),
                f"{pair.retrying:,} of {counted(open_tasks, 'open task')} have failed and wait"
                " to run again",
                "they fail again and again; what they share shows in their errors",
                f"tasq list --where {quote(where)}", frozenset({(pair.queue, pair.type)}),
            )  # fmt: skip


def exhausted(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """Tasks without attempts left wait for a poll to end them."""
    del limits
    for pair in figures.pairs:
        if pair.exhausted and _lapsed_long(figures, pair):
            yield Finding(
                "exhausted", Severity.WARNING, _subject(pair),
                f"{counted(pair.exhausted, 'task')} without attempts left, not ended as FAILED"
                f" since {lasting(figures.now - (pair.lapsed_since or figures.now))}",
                "their consumers crashed each time, and no consumer polls this type now",
                "tasq list --where is:exhausted", frozenset({(pair.queue, pair.type)}),
            )  # fmt: skip


def lapsed(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """Leases have ended and nobody claims their tasks."""
    del limits
    for pair in figures.pairs:
        if pair.lapsed and pair.lapsed_since is not None and _lapsed_long(figures, pair):
            yield Finding(
                "lapsed", Severity.WARNING, _subject(pair),
                f"the leases of {counted(pair.lapsed, 'task')} have ended, the first"
                f" {lasting(figures.now - pair.lapsed_since)} ago, and nobody has claimed them",
                "consumers died or can't reach the database, and those that are left don't get to"
                " them",
                "tasq list --where is:stale", frozenset({(pair.queue, pair.type)}),
            )  # fmt: skip


def overloaded(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """More tasks arrive than end, or the backlog takes long."""
    waiting = _waiting(figures, limits)
    for queue, rate in figures.rates.items():
        pairs = [pair for pair in waiting if pair.queue == queue]
        if not pairs or not rate.ended_per_minute:
            continue
        when = "never empty at this rate"
        if rate.empty_in is not None:
            when = f"empty in {lasting(rate.empty_in)}"
        yield Finding(
            "overloaded", Severity.WARNING, f"queue {queue}",
            f"{rate.arrived_per_minute:,.1f} tasks a minute arrive and"
            f" {rate.ended_per_minute:,.1f} end; {rate.waiting:,} wait; {when}",
            "more tasks arrive than its consumers run"
            if rate.empty_in is None else "a backlog that its consumers work off",
            "tasq stats --by queue --timings",
            frozenset((pair.queue, pair.type) for pair in pairs),
        )  # fmt: skip


def waiting(figures: Figures, limits: Limits) -> Iterator[Finding]:
    """Tasks wait too long, and no other rule says why."""
    for pair in _waiting(figures, limits):
        cause = "registered consumers take it, but none of its tasks ended lately"
        if not figures.registry:
            cause = "can't be known: this database has no registry of consumers"
        elif not _alive(figures, pair):
            cause = "can't be known: no registered consumer takes it, a Go consumer may"
        yield _finding(
            "waiting", Severity.WARNING, _subject(pair), figures, [pair], cause, "tasq fleet"
        )


RULES: Final[tuple[Rule, ...]] = (
    blocked, paused, vanished, unconsumed, slower, failing, retrying, overloaded, exhausted,
    lapsed, waiting,
)  # fmt: skip
"""In the order in which one explains what another would find too."""


# -- what they share -----------------------------------------------------------------------------


def _ready(count: int) -> str:
    return f"{counted(count, 'task')} {'is' if count == 1 else 'are'} ready"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _finding(  # noqa: PLR0917 - the fields of one thing
    rule: str, severity: Severity, subject: str, figures: Figures, pairs: list[OpenPair],
    cause: str, command: str,
) -> Finding:  # fmt: skip
    """A finding about tasks that wait."""
    since = min(pair.ready_since or figures.now for pair in pairs)
    ready = sum(pair.ready for pair in pairs)
    text = f"{_ready(ready)}, the first for {lasting(figures.now - since)}"
    covers = frozenset((pair.queue, pair.type) for pair in pairs)
    return Finding(rule, severity, subject, text, cause, command, covers)


def _subject(pair: OpenPair) -> str:
    return f"queue {pair.queue or chr(34) * 2}, type {pair.type}"


def _word(name: str) -> str:
    """A name as a filter has it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _waiting(figures: Figures, limits: Limits) -> list[OpenPair]:
    return [
        pair
        for pair in figures.pairs
        if pair.ready and figures.now - (pair.ready_since or figures.now) > limits.max_wait
    ]


def _lapsed_long(figures: Figures, pair: OpenPair) -> bool:
    since = pair.lapsed_since
    return since is not None and figures.now - since > LAPSED_TOO_LONG


def _is_paused(pair: OpenPair, pauses: Iterable[Pause]) -> bool:
    return any(
        pause.name == (pair.queue if pause.kind == "queue" else pair.type) for pause in pauses
    )


def _alive(figures: Figures, pair: OpenPair) -> list[ConsumerReport]:
    return [
        consumer
        for consumer in figures.consumers
        if not consumer.vanished and consumer.takes(pair.type, pair.queue)
    ]


def _alive_count(figures: Figures) -> int:
    return sum(not consumer.vanished for consumer in figures.consumers)


def _busy(figures: Figures, pairs: list[OpenPair]) -> str:
    """How busy the consumers of `pairs` are; empty where they have workers to spare."""
    alive = {consumer.id: consumer for pair in pairs for consumer in _alive(figures, pair)}
    if not alive:
        return _UNKNOWN_BUSY
    running = sum(len(consumer.in_flight) for consumer in alive.values())
    workers = sum(consumer.workers for consumer in alive.values())
    if not workers:
        return "how busy its workers are can't be known: its program runs its own"
    if running < workers:
        return ""
    return f"{workers:,} of {counted(workers, 'worker')} busy"


def _replaces(other: ConsumerReport, gone: ConsumerReport) -> bool:
    """Whether a consumer that started later takes all that a vanished one took."""
    queues = other.queues is None or (
        gone.queues is not None and set(gone.queues) <= set(other.queues)
    )
    return (
        not other.vanished
        and other.started_at > gone.heartbeat_at
        and queues
        and set(gone.types) <= set(other.types)
    )
