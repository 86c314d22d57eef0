"""Claims and idle polls of a consumer that knows ten queues and fifty types."""

from benchmarks import child, seed
from benchmarks.results import Results
from benchmarks.stage import NAMES, Stage
from tests.support.databases import Database

ROWS = 20_000
COUNT = 40
MOST_MS = 5
SECTION = "Ten queues of fifty types"
_ORDERINGS = {"CREATED_AT_FIRST": "oldest first", "PRIORITY_FIRST": "by priority"}
_OTHER_QUEUES = [f"other-{number}" for number in range(10)]


def run(stage: Stage, results: Results, full: bool) -> None:  # noqa: ARG001 - as every section
    """Idle polls find nothing beside the open tasks of other queues, and of delayed ones."""
    for backend in stage.backends:
        with stage.table(backend) as ready, stage.table(backend) as delayed:
            seed.fill(ready, seed.GRID, 1, ROWS)
            seed.fill(delayed, seed.GRID, 1, ROWS, delayed=True)
            name = NAMES[backend]
            claims = [f"{name}, claim of 10"]
            idle = [f"{name}, idle poll, {ROWS:,} tasks delayed",
                    f"{name}, idle poll, {ROWS:,} tasks in other queues"]  # fmt: skip
            _measure(results, claims[0], ready, seed.GRID_QUEUES, finds=10)
            _measure(results, idle[0], delayed, seed.GRID_QUEUES, finds=0)
            _measure(results, idle[1], ready, _OTHER_QUEUES, finds=0)
        for what, labels in (("claim", claims), ("idle poll", idle)):
            results.judge_most(
                f"{what}, {name}, 10 queues, 50 types, {ROWS:,} open tasks",
                max(
                    results.medians[SECTION, f"{label}, {words}"]
                    for label in labels
                    for words in _ORDERINGS.values()
                ),
                MOST_MS,
                "ms",
            )


def _measure(
    results: Results, label: str, table: Database, queues: list[str], *, finds: int
) -> None:
    for ordering, words in _ORDERINGS.items():
        taken = child.call(
            "contenders.polling", "poll_times", url=table.url, prefix=table.prefix,
            queues=queues, types=seed.GRID_TYPES, ordering=ordering, count=COUNT, finds=finds,
        )  # fmt: skip
        results.keep(SECTION, f"{label}, {words}", taken, "ms")
