"""RESULTS.md: the table of figures to reach, then everything that was measured."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

from benchmarks.results import Line, Results
from tests.support.programs import ServerUnavailableError
from tests.support.servers import MariaDBServer, PostgresServer

FOLDER = Path(__file__).parent
PLOT = "growth.svg"
_PEERS = ("procrastinate", "pgqueuer", "huey", "psycopg", "asyncpg", "pymysql")


def write(text: str, results: Results) -> None:
    """RESULTS.md and its plot, beside this file."""
    (FOLDER / "RESULTS.md").write_text(text)
    if results.growth:
        _plot(results, FOLDER / PLOT)


def text(results: Results, *, full: bool, seconds: float) -> str:
    """The whole of RESULTS.md."""
    reached = [line for line in results.lines if line.reached]
    judged = [line for line in results.lines if line.reached is not None]
    parts = [
        "# Results",
        f"{len(reached)} of {len(judged)} figures reached. {_how(full, seconds)}",
        "## Figures to reach",
        table(results),
        *_sections(results),
        *_growth(results),
        "## How it was taken",
        _METHOD,
    ]
    return "\n\n".join(parts) + "\n"


_METHOD = """\
- `make bench` writes this file; `make bench-full` does so with more: tables of 10M rows and 5M open
  ones on the servers as well, 5M instead of 500,000 rows in the 50,000 pairs on PostgreSQL, the
  memory of a generator on each database, drains by two processes.
- Every figure is the median of three rounds, in which all contenders take turns, each in a
  process of its own; behind it stand the least and the most. Ratios travel between machines,
  absolute figures don't.
- The servers are private ones with their default durability: every commit is flushed. SQLite
  runs in WAL with `synchronous = FULL`, huey's as well.
- Peers run as their documentation recommends for throughput: pgqueuer over asyncpg and uvloop,
  by batches of 100 and of 500 (the better one counts) and without its log of statistics being
  read; procrastinate with ten jobs at once, by `batch_defer` of 1000; huey with one thread and
  with four (the better one counts) and without storing results.
- tasq runs `consumer.run(workers=10)` at its defaults. A drain ends when the last outcome is
  stored. "Deleting" is `auto_delete_on_success`, which is what pgqueuer and huey do.
- "Go's shape" is this library used as Go's works: poll 10, then start, run and finish, a round
  trip each, on ten threads.
- A drain by several processes counts from their common start to the last task's start.
- "Bare INSERT" is the driver's own `execute` of the same row into the same table, in autocommit;
  "raw COPY" sends rows that were formatted beforehand.
- Memory of a submit is what the process grew by, looked at once in a thousand tasks.
- The sixteen writers are processes with a connection each. Ours and psycopg's spend most of the two
  cores in Python, which pgbench's don't: only like is compared with like.
- Of claims from any queue the mean is judged, so that those count that list the pairs anew. What an
  idle consumer costs is CPU time of its process and of all of the server's, for five minutes from
  the 15th second on.
- Latency counts from before the submit call in one process to the first line of the handler in
  another, with 15 to 35 ms between tasks.
- Large tables hold ids as `tasq_core` makes them. Go's random ones put every row in a page of its
  own, which costs a drain of a backlog up to another tenth on MariaDB.
- The app runs in a pty of 120 by 40. Its live refresh is paused while keys are measured, since its
  frames can't be told from those of a key; a refresh is timed by the app's own poller. Of the 300
  pages 150 are timed, each from rest; the others come as fast as they are drawn."""


def _how(full: bool, seconds: float) -> str:
    found = [f"SQLite {sqlite3.sqlite_version}"]
    for server in (PostgresServer, MariaDBServer):
        try:
            found.append(server.version())
        except ServerUnavailableError:
            continue
    peers = ", ".join(f"{name} {version(name)}" for name in _PEERS)
    form = "full form" if full else "short form"
    return (
        f"A machine of {os.cpu_count()} cores; the {form}, {seconds / 60:.0f} minutes. "
        f"Python {platform.python_version()}; {'; '.join(found)}; {peers}."
    )


def table(results: Results) -> str:
    """The figures to reach, one line each."""
    rows = ["| what | figure | reach | |", "|-|-|-|-|"]
    rows += [f"| {line.what} | {line.figure} | {line.reach} | {_mark(line)} |"
             for line in results.lines]  # fmt: skip
    return "\n".join(rows)


def _mark(line: Line) -> str:
    if line.reached is None:
        return "not measured"
    return "reached" if line.reached else "**not reached**"


def _sections(results: Results) -> list[str]:
    parts = []
    for section, rows in results.rows.items():
        body = "\n".join(f"| {name} | {figure} |" for name, figure in rows)
        parts += [f"## {section}", f"| | |\n|-|-|\n{body}"]
    return parts


def _growth(results: Results) -> list[str]:
    if not results.growth:
        return []
    parts = ["## Growth", f"Milliseconds by rows in the table. ![Growth]({PLOT})"]
    for name, sizes in results.growth.items():
        whats = list(next(iter(sizes.values())))
        head = f"| {name} | {' | '.join(f'{size:,}' for size in sizes)} |"
        lines = [head, "|-" * (len(sizes) + 1) + "|"]
        for what in whats:
            costs = " | ".join(f"{found[what]:.2f}" for found in sizes.values())
            lines.append(f"| {what} | {costs} |")
        parts.append("\n".join(lines))
    return parts


def _plot(results: Results, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    whats = ("claim of 10", "summary", "page, in the middle")
    figure, axes = plt.subplots(1, len(whats), figsize=(12, 3.6), sharey=True)
    for axis, what in zip(axes, whats, strict=True):
        for name, sizes in results.growth.items():
            axis.plot(list(sizes), [found[what] for found in sizes.values()], "o-", label=name)
        axis.set(title=what, xscale="log", yscale="log", xlabel="rows in the table")
        axis.grid(visible=True, alpha=0.3)
    axes[0].set_ylabel("milliseconds")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
