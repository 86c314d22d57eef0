"""What registry, pauses and attempts cost a drain: with and without side tables, in turns."""

import statistics

from benchmarks import child
from benchmarks.draining import COUNT
from benchmarks.results import Results
from benchmarks.stage import NAMES, Stage

PAIRS = 8
"""Drains of each kind; the ratio is the median of those that ran one after the other. An even
number: as often one kind goes first as the other."""
FAILING = 2000
SECTION = "Registry, pauses and attempts"
MOST_PERCENT = 2


def run(stage: Stage, results: Results, full: bool) -> None:
    for backend in stage.backends:
        name = NAMES[backend]
        # A consumer's start and end cost the same however long it runs between them.
        count = COUNT * (9 if full else 3)
        ratio = _compare(stage, results, backend, f"{name}, drain", function="drain", count=count)
        cost = (ratio - 1) * 100
        results.judge_most(
            f"registry, pauses, attempts: longer a drain, {name}", cost, MOST_PERCENT, "%"
        )
        # Each failure leaves a row: this is shown, and held to nothing.
        _compare(stage, results, backend, f"{name}, all fail", function="drain_failing",
                 count=FAILING)  # fmt: skip


def _compare(
    stage: Stage, results: Results, backend: str, name: str, *, function: str, count: int
) -> float:
    """How much longer it takes with side tables: the median of the pairs."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    # What a fresh server's first drain may cost more would be one kind's alone.
    _rate(stage, backend, function, count, side_tables=True)
    for pair in range(PAIRS):
        for side_tables in (False, True) if pair % 2 else (True, False):
            seconds[side_tables].append(
                count / _rate(stage, backend, function, count, side_tables=side_tables)
            )
    ratio = statistics.median(
        with_them / without
        for with_them, without in zip(seconds[True], seconds[False], strict=True)
    )
    for side_tables, found in seconds.items():
        label = f"{name}, {'with' if side_tables else 'without'} side tables"
        results.keep(SECTION, label, [count / taken for taken in found], "/s")
    results.show(SECTION, f"{name}: time with to time without", f"**{ratio:.3f}**")
    return ratio


def _rate(stage: Stage, backend: str, function: str, count: int, *, side_tables: bool) -> float:
    with stage.table(backend, side_tables=side_tables) as table:
        at = {"url": table.url, "prefix": table.prefix}
        child.call("contenders.tasq", "submit_bulk", **at, count=count - 1)
        return float(child.call("contenders.tasq", function, **at, count=count))
