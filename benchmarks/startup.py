"""How long a command takes from its start to its end."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.results import Results, percentile
from benchmarks.stage import Stage

RUNS = 20
SECTION = "Command line"


def run(stage: Stage, results: Results, full: bool) -> None:  # noqa: ARG001 - as every section
    tasq = str(Path(sys.executable).with_name("tasq"))
    with stage.table("sqlite") as table:
        where = ["--url", table.url, "--prefix", table.prefix]
        for what, command, most in (
            ("tasq --help", [tasq, "--help"], 150),
            ("tasq stats --json, SQLite", [tasq, "stats", "--json", *where], 250),
        ):
            taken = []
            for _ in range(RUNS + 1):
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                taken.append((time.perf_counter() - start) * 1000)
            results.keep(SECTION, what, taken[1:], "ms")
            results.judge_most(what, percentile(taken[1:], 0.5), most, "ms")
