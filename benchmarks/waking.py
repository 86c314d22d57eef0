"""What wake-ups cost many writers on PostgreSQL: the trigger, and the notices of our producers."""

import re
import subprocess
from collections.abc import Callable

from benchmarks import child
from benchmarks.results import Results
from benchmarks.stage import Stage
from tests.support.programs import ServerUnavailableError, postgres_program

WRITERS = 16
SECONDS = 3
SECTION = "Sixteen writers, an insert a commit"
_SQL = (
    'INSERT INTO "{table}" (id, type, args, queue, priority, status, max_receives, created_at,'
    " visible_at) VALUES (gen_random_uuid(), 'bench', '{{}}', '', 0, 'NEW', 0, now(),"
    " '0001-01-01 00:00:00+00');\n"
)


def run(stage: Stage, results: Results, full: bool) -> None:  # noqa: ARG001 - as every section
    """The trigger's cost is shown; judged is what our own producers do instead of it."""
    if "postgres" not in stage.backends:
        return
    plain, ours = "psycopg, no trigger", "tasq, which notifies after its commits"
    contenders: dict[str, Callable[[], float]] = {
        plain: lambda: _written(stage, "bare", notify=False),
        "psycopg, trigger": lambda: _written(stage, "bare", notify=True),
        ours: lambda: _written(stage, "tasq", notify=False),
    }
    try:
        program = postgres_program("pgbench")
    except ServerUnavailableError:
        pairs = [("psycopg", "psycopg, trigger", plain)]
    else:
        contenders["pgbench, no trigger"] = lambda: _pgbench(stage, program, notify=False)
        contenders["pgbench, trigger"] = lambda: _pgbench(stage, program, notify=True)
        pairs = [
            ("psycopg", "psycopg, trigger", plain),
            ("pgbench", "pgbench, trigger", "pgbench, no trigger"),
        ]
    results.measure(SECTION, contenders)
    for name, with_it, without in pairs:
        ratio = results.medians[SECTION, with_it] / results.medians[SECTION, without]
        results.show(SECTION, f"{name}: with the trigger to without", f"**{ratio:.2f}** times")
    results.judge_ratio(
        f"single submit, PostgreSQL, {WRITERS} writers: beside bare INSERTs without a trigger",
        SECTION, ours, plain, 0.95,
    )  # fmt: skip


def _written(stage: Stage, contender: str, *, notify: bool) -> float:
    """Inserts a second of so many processes, which begin and end together."""
    signal = stage.folder / "start"
    with stage.table("postgres", notify=notify) as table:
        where = {"prefix": table.prefix} if contender == "tasq" else {"table": table.table}
        writers = [
            child.start(
                f"contenders.{contender}", "write", url=table.url, **where, signal=str(signal),
                seconds=SECONDS,
            )
            for _ in range(WRITERS)
        ]  # fmt: skip
        for writer in writers:
            writer.stdout.readline()  # it is connected
        signal.touch()
        rates = [child.result(writer) for writer in writers]
        signal.unlink()
        return float(sum(rates))


def _pgbench(stage: Stage, program: str, *, notify: bool) -> float:
    with stage.table("postgres", notify=notify) as table:
        script = stage.folder / "insert.sql"
        script.write_text(_SQL.format(table=table.table))
        answer = subprocess.run(
            [program, "-n", "-c", str(WRITERS), "-j", "2", "-T", str(SECONDS), "-f", str(script),
             table.url],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    return float(re.findall(r"^tps = ([\d.]+)", answer, re.MULTILINE)[-1])
