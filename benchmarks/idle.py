"""Idle pick-up: from a submit call in one process to the handler's first line in another."""

from benchmarks import child
from benchmarks.results import ROUNDS, Results, percentile
from benchmarks.stage import NAMES, Stage

COUNT = 100
SECTION = "Idle pick-up latency"
_PEERS = ("pgqueuer", "procrastinate")
_TARGETS = {"postgres": (2.0, None), "sqlite": (3.0, 10.0), "mysql": (5.0, None)}


def run(stage: Stage, results: Results, full: bool) -> None:
    count = COUNT * (5 if full else 1)
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for backend in stage.backends:
            with stage.table(backend) as table:
                found.setdefault(backend, []).extend(
                    child.call(
                        "contenders.tasq", "latency", url=table.url, prefix=table.prefix,
                        count=count,
                    )
                )  # fmt: skip
        for peer in _PEERS if "postgres" in stage.backends else ():
            url = stage.peer_url(peer)
            child.call(f"contenders.{peer}", "prepare", url=url)
            found.setdefault(peer, []).extend(
                child.call(f"contenders.{peer}", "latency", url=url, count=count)
            )
        found.setdefault("huey", []).extend(
            child.call("contenders.huey", "latency", path=stage.peer_file(), count=count)
        )
    worst: dict[str, float] = {}
    for name, values in found.items():
        label = f"tasq, {NAMES[name]}" if name in NAMES else name
        half, most = percentile(values, 0.5), percentile(values, 0.99)
        worst[name] = most
        results.show(SECTION, label, f"p50 **{half:.2f}** ms, p99 {most:.2f} ms")
        if name in NAMES:
            results.judge_most(f"idle pick-up, {NAMES[name]}, p50", half, _TARGETS[name][0], "ms")
            if limit := _TARGETS[name][1]:
                results.judge_most(f"idle pick-up, {NAMES[name]}, p99", most, limit, "ms")
    if "postgres" in worst:
        best = min(worst[peer] for peer in _PEERS)
        results.judge_beside(
            "idle pick-up, PostgreSQL, p99: beside the best peer's", worst["postgres"], best, 1
        )
