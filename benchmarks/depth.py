"""Whether what else stands in the table slows a drain: history, a backlog, other queues."""

import os

from benchmarks import child, seed
from benchmarks.results import ROUNDS, Results
from benchmarks.stage import NAMES, Stage
from tests.support.databases import Database

ROWS = 1_000_000
COUNT = 8000
SECTION = "Drain beside other rows"
_ORDERINGS = {"pollByCreatedAt": "oldest first", "pollByPriority": "by priority"}
_KINDS = {
    seed.HISTORY: "finished rows",
    seed.BACKLOG: "rows of backlog",
    seed.OTHERS: "rows in other queues",
}


def run(stage: Stage, results: Results, full: bool) -> None:  # noqa: ARG001 - as every section
    for backend in stage.backends:
        for kind, beside in _KINDS.items():
            # Two tables at a time: more of them would crowd each other out of the cache.
            with stage.table(backend) as empty, stage.table(backend) as deep:
                seed.fill(deep, kind, 1, ROWS)
                os.sync()  # or what was filled is still being written while the drains flush
                alone, other = _Rates(), _Rates()
                for _ in range(ROUNDS):
                    alone.add(empty, fresh=True)
                    other.add(deep, fresh=False)
            _report(results, NAMES[backend], f"{ROWS:,} {beside}", alone, other)


class _Rates:
    """Tasks a second by poll strategy, one of each a round."""

    def __init__(self) -> None:
        self.by_strategy: dict[str, list[float]] = {strategy: [] for strategy in _ORDERINGS}

    def add(self, database: Database, *, fresh: bool) -> None:
        found = child.call(
            "contenders.tasq", "drain_some", url=database.url, prefix=database.prefix,
            count=COUNT, strategies=list(_ORDERINGS), fresh=fresh,
        )  # fmt: skip
        for strategy, rate in found.items():
            self.by_strategy[strategy].append(rate)


def _report(results: Results, name: str, beside: str, alone: _Rates, deep: _Rates) -> None:
    for strategy, words in _ORDERINGS.items():
        label = f"{name}, {beside}, {words}"
        results.keep(SECTION, label, deep.by_strategy[strategy], "/s")
        results.keep(SECTION, f"{label}: alone", alone.by_strategy[strategy], "/s")
        results.judge_ratio(
            f"drain, {label}: beside an empty table", SECTION, label, f"{label}: alone", 0.9
        )
