"""How `tasq stats --timings` shows timings and rates."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from tasq_core.inspector import Inspector
from tasq_core.timings import Rate, Since, Spread, Timing
from tasq_core.transfer import iso
from tasq_tui.admin.wording import span
from tasq_tui.cli import diagnostics, output
from tasq_tui.cli.formats import Format
from tasq_tui.cli.output import Column, Shape

_PARTS: Final = ("p50", "p95", "max")
_SMALL: Final = 10.0
"""Below it, a number is shown with a decimal."""


class _Row(NamedTuple):
    name: str
    timing: Timing
    rate: Rate


def write_timings(inspector: Inspector, by: str | None, since: Since, form: Format) -> None:
    """Write the timings and rates of a window, a row per name."""
    timings, rates = inspector.timings(by, since), inspector.rates(by, since)
    of_name = {rate.name: rate for rate in rates.rows}
    timed = {timing.name: timing for timing in timings.rows}
    found = [
        _Row(
            name,
            timed.get(name, Timing(name, 0, 0, None, None)),
            of_name.get(name, Rate(name, 0, 0, 0, 0)),
        )
        for name in sorted(timed.keys() | of_name.keys())
    ]
    cut = max(filter(None, (timings.sampled_since, rates.sampled_since)), default=None)
    sampled = iso(cut)
    output.rows(_shape(by, sampled), _shown(found, by), form)
    if cut is not None:
        diagnostics.note(f"more tasks ended or arrived than are read: the newest, since {sampled}")


def _shown(rows: list[_Row], by: str | None) -> Iterable[_Row]:
    """Without names there is one row, of an empty table too."""
    if rows or by is not None:
        return rows
    return [_Row("", Timing("", 0, 0, None, None), Rate("", 0, 0, 0, 0))]


def _shape(by: str | None, sampled_since: str | None) -> Shape[_Row]:
    lead = (by,) if by is not None else ()

    def record(row: _Row) -> dict[str, Any]:
        timing, rate = row.timing, row.rate
        return {
            **dict.fromkeys(lead, row.name),
            "done": timing.done, "failed": timing.failed,
            **_flat("wait", timing.wait), **_flat("run", timing.run),
            "arrived_per_minute": round(rate.arrived_per_minute, 3),
            "ended_per_minute": round(rate.ended_per_minute, 3),
            "waiting": rate.waiting,
            "empty_in": None if rate.empty_in is None else round(rate.empty_in, 3),
            "sampled_since": sampled_since,
        }  # fmt: skip

    named: list[Column[_Row]] = []
    if by is not None:
        named.append(Column(by.upper(), lambda row: row.name or '""', gives_way=True))
    columns: tuple[Column[_Row], ...] = (
        *named,
        Column("DONE", lambda row: f"{row.timing.done:,}", right=True),
        Column("FAILED", lambda row: f"{row.timing.failed:,}", right=True),
        Column("WAIT P50", lambda row: _part(row.timing.wait, "p50"), right=True, drop=3),
        Column("P95", lambda row: _part(row.timing.wait, "p95"), right=True),
        Column("MAX", lambda row: _part(row.timing.wait, "max"), right=True, drop=4),
        Column("RUN P50", lambda row: _part(row.timing.run, "p50"), right=True, drop=2),
        Column("P95", lambda row: _part(row.timing.run, "p95"), right=True),
        Column("MAX", lambda row: _part(row.timing.run, "max"), right=True, drop=4),
        Column("IN/MIN", lambda row: _rate(row.rate.arrived_per_minute), right=True, drop=1),
        Column("OUT/MIN", lambda row: _rate(row.rate.ended_per_minute), right=True, drop=1),
        Column("WAITING", lambda row: f"{row.rate.waiting:,}", right=True),
        Column("EMPTY IN", lambda row: empty_text(row.rate), right=True),
    )
    fields = (
        *lead, "done", "failed", *_names("wait"), *_names("run"), "arrived_per_minute",
        "ended_per_minute", "waiting", "empty_in", "sampled_since",
    )  # fmt: skip
    return Shape(columns, fields, record)


def _names(kind: str) -> list[str]:
    return [f"{kind}_{part}" for part in _PARTS]


def _flat(kind: str, spread: Spread | None) -> dict[str, float | None]:
    return {
        f"{kind}_{part}": None if spread is None else round(getattr(spread, part), 6)
        for part in _PARTS
    }


def _part(spread: Spread | None, part: str) -> str:
    return "-" if spread is None else length(getattr(spread, part))


def length(seconds: float) -> str:
    """A length of time for people: "12ms", "1.5s", "3m 20s"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    return f"{seconds:.1f}s" if seconds < _SMALL else span(seconds)


def empty_text(rate: Rate) -> str:
    """When the backlog is gone: "now", "5m" or "never"."""
    if not rate.waiting:
        return "now"
    return "never" if rate.empty_in is None else span(rate.empty_in)


def _rate(per_minute: float) -> str:
    return f"{per_minute:,.0f}" if per_minute >= _SMALL else f"{per_minute:.1f}"
