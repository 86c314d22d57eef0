"""Whether what else stands in the table slows a drain: history, a backlog, other queues."""

from benchmarks import child, seed
from benchmarks.results import ROUNDS, Results
from benchmarks.stage import NAMES, Stage

ROWS = 200_000
FULL_ROWS = 1_000_000
COUNT = 8000
SECTION = "Drain beside other rows"
_ORDERINGS = {"pollByCreatedAt": "oldest first", "pollByPriority": "by priority"}
_KINDS = {seed.HISTORY: "finished rows", seed.BACKLOG: "backlog", seed.OTHERS: "in other queues"}


def run(stage: Stage, results: Results, full: bool) -> None:
    rows = FULL_ROWS if full else ROWS
    for backend in stage.backends:
        found: dict[tuple[str, str], list[float]] = {}
        tables = [None, *_KINDS]
        with_exits = [stage.table(backend) for _ in tables]
        databases = [each.__enter__() for each in with_exits]
        try:
            for kind, database in zip(tables, databases, strict=True):
                if kind is not None:
                    seed.fill(database, kind, 1, rows)
            for _ in range(ROUNDS):
                for kind, database in zip(tables, databases, strict=True):
                    for strategy, rate in child.call(
                        "contenders.tasq", "drain_some", url=database.url,
                        prefix=database.prefix, count=COUNT, strategies=list(_ORDERINGS),
                        fresh=kind is None,
                    ).items():  # fmt: skip
                        found.setdefault((kind or "", strategy), []).append(rate)
        finally:
            for each in with_exits:
                each.__exit__(None, None, None)
        _report(results, NAMES[backend], found, rows)


def _report(
    results: Results, name: str, found: dict[tuple[str, str], list[float]], rows: int
) -> None:
    for (kind, strategy), rates in found.items():
        results.keep(SECTION, _label(name, kind, strategy, rows), rates, "/s")
    for kind in _KINDS:
        for strategy in _ORDERINGS:
            results.judge_ratio(
                f"drain, {_label(name, kind, strategy, rows)}: beside an empty table", SECTION,
                _label(name, kind, strategy, rows), _label(name, "", strategy, rows), 0.9,
            )  # fmt: skip


def _label(name: str, kind: str, strategy: str, rows: int) -> str:
    beside = f"{rows:,} {_KINDS[kind]}" if kind else "nothing else"
    return f"{name}, {beside}, {_ORDERINGS[strategy]}"
