"""How fast the tasks of one queue or type come and go, from two reports. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from tasq_core.inspector import Inspector
from tasq_core.timings import Rates, Timings
from tasq_tui.ui.text.formats import NOTHING, compact, duration

HOUR_SECONDS: Final = 3600.0
"""Timings are those of the last hour."""
RATE_SECONDS: Final = 600.0
_FEW: Final = 10.0


class Pace(NamedTuple):
    """One name's figures as text; a dash where there is nothing to measure."""

    arriving: str = NOTHING
    """A minute."""
    ending: str = NOTHING
    empty_in: str = NOTHING
    wait_p50: str = NOTHING
    wait_p95: str = NOTHING
    run_p50: str = NOTHING
    run_p95: str = NOTHING
    failed: str = NOTHING
    failed_share: float = 0.0
    ready_since: datetime | None = None
    """Since when the oldest of those that are ready is."""


UNKNOWN: Final = Pace()


def read_pace(inspector: Inspector, by: str) -> tuple[Timings, Rates]:
    """The timings of the last hour, and the rates of the last ten minutes."""
    return inspector.timings(by, HOUR_SECONDS), inspector.rates(by, RATE_SECONDS)


def pace_by_name(read: tuple[Timings, Rates] | None) -> Mapping[str, Pace]:
    """Each name's figures; none before they were read."""
    if read is None:
        return {}
    timings, rates = read
    found: dict[str, Pace] = {}
    for rate in rates.rows:
        empty_in = "never" if rate.empty_in is None else duration(rate.empty_in)
        if not rate.waiting:
            empty_in = NOTHING
        found[rate.name] = Pace(
            _rate(rate.arrived_per_minute),
            _rate(rate.ended_per_minute),
            empty_in,
            ready_since=rate.ready_since,
        )
    for timing in timings.rows:
        wait, run = timing.wait, timing.run
        found[timing.name] = found.get(timing.name, UNKNOWN)._replace(
            wait_p50=duration(wait.p50 if wait else None),
            wait_p95=duration(wait.p95 if wait else None),
            run_p50=duration(run.p50 if run else None),
            run_p95=duration(run.p95 if run else None),
            failed=share(timing.failed_share),
            failed_share=timing.failed_share,
        )
    return found


def share(part: float) -> str:
    """A part as a percentage of three figures at most: "0%", "0.3%", "34%"."""
    percent = 100 * part
    return f"{percent:.1f}%" if 0 < percent < _FEW else f"{percent:.0f}%"


def _rate(a_minute: float) -> str:
    return f"{a_minute:.1f}" if 0 < a_minute < _FEW else compact(round(a_minute))
