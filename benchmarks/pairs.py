"""A consumer of any queue, beside open tasks of 50,000 pairs of queue and type."""

import statistics

from benchmarks import child, seed
from benchmarks.results import Results, number
from benchmarks.stage import NAMES, Stage
from tests.support.databases import Database

ROWS = 500_000
FULL_ROWS = 5_000_000
"""On PostgreSQL, which is judged by what a consumer there does."""
CLAIM_SECONDS = 12.0
"""Two lists of the pairs fall into it, which is more than their share of the time."""
DRAINED = 50_000
DRAIN_SECONDS = 30.0
IDLE_SECONDS = 300.0
"""The age that a list of pairs may reach, so that making one is in it once."""
SECTION = "50,000 pairs of queue and type"


def run(stage: Stage, results: Results, full: bool) -> None:
    for backend in stage.backends:
        rows = FULL_ROWS if full and backend == "postgres" else ROWS
        with stage.table(backend) as table:
            seed.fill(table, seed.PAIRS, 1, rows)
            at = f"{NAMES[backend]}, {rows:,} rows"
            _claims(results, table, at)
            if backend == "postgres":
                _idle(results, table, f"{at} of other types", ["other"])
                _drain(results, table, at)
                table.execute(f'TRUNCATE "{table.table}"')
                seed.fill(table, seed.PAIRS, 1, rows, delayed=True)
                _idle(results, table, f"{at}, all delayed", seed.PAIR_TYPES)


def _claims(results: Results, table: Database, at: str) -> None:
    """The mean is judged: the claims that list the pairs anew are part of what all cost."""
    taken = child.call(
        "contenders.polling", "poll_for", **_where(table), types=seed.PAIR_TYPES,
        seconds=CLAIM_SECONDS,
    )  # fmt: skip
    mean = statistics.mean(taken)
    results.keep(SECTION, f"{at}: claim of 10 from any queue", taken, "ms")
    results.show(SECTION, f"{at}: mean of {len(taken):,} claims", f"**{number(mean)}** ms")
    results.judge_most(f"claim from any queue, 50,000 pairs, {at}, mean", mean, 10, "ms")


def _drain(results: Results, table: Database, at: str) -> None:
    rate = child.call(
        "contenders.polling", "drain_any", **_where(table), types=seed.PAIR_TYPES, count=DRAINED,
        seconds=DRAIN_SECONDS,
    )  # fmt: skip
    results.keep(SECTION, f"{at}: drain of {DRAINED:,}", [rate], "/s")
    results.judge_least(f"drain from any queue, 50,000 pairs, {at}", rate, 1000, "/s")


def _idle(results: Results, table: Database, at: str, types: list[str]) -> None:
    table.execute("CHECKPOINT")  # or the fill is what the server is still busy with
    client, server = child.call(
        "contenders.polling", "idle_cost", **_where(table), types=types, seconds=IDLE_SECONDS
    )
    parts = f"client {client:.2f}, server {server:.2f}"
    results.show(
        SECTION, f"{at}: idle consumer", f"**{client + server:.2f}** % of a core ({parts})"
    )
    results.judge_most(
        f"idle consumer of any queue, 50,000 pairs, {at}", client + server, 1, "% of a core"
    )


def _where(table: Database) -> dict[str, str]:
    return {"url": table.url, "prefix": table.prefix}
