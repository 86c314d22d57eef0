"""Whether a million tasks leave claims on PostgreSQL slower than they found them."""

import time

from benchmarks import child
from benchmarks.results import Results, percentile
from benchmarks.stage import Stage
from tests.support.databases import Database

TASKS = 1_000_000
STEP = 100_000
CLAIMS = 20
PATIENCE_SECONDS = 300.0
SECTION = "Bloat"


def run(stage: Stage, results: Results, full: bool) -> None:
    """Claims of 500 on a fresh table, and again after `TASKS` went through it, all of them kept.

    The tasks pass within one nap of autovacuum (60 s by default): what is judged is the claim
    after it next came by, what it takes before that is shown beside it.
    """
    del full
    if "postgres" not in stage.backends:
        return
    with stage.table("postgres") as table:
        before = _claims(table)
        rates = []
        for _ in range(TASKS // STEP):
            child.call("contenders.tasq", "submit_bulk", count=STEP, **_where(table))
            rates.append(child.call("contenders.tasq", "drain", count=STEP, **_where(table)))
        at_once = _claims(table)
        _wait_for_autovacuum(table)
        after = _claims(table)
    results.keep(SECTION, "claim of 500, fresh table", before, "ms")
    results.keep(SECTION, f"claim of 500, right after {TASKS:,} tasks", at_once, "ms")
    results.keep(SECTION, "claim of 500, once autovacuum came by", after, "ms")
    results.keep(SECTION, f"drains of {STEP:,} meanwhile", rates, "/s")
    ratio = percentile(after, 0.5) / percentile(before, 0.5)
    results.judge_most(
        f"claim, PostgreSQL, after {TASKS:,} tasks: beside a fresh table", ratio, 1.5, "times"
    )


def _claims(table: Database) -> list[float]:
    found: list[float] = child.call(
        "contenders.tasq", "claim_times", count=CLAIMS, limit=500, **_where(table)
    )
    return found


def _wait_for_autovacuum(table: Database) -> None:
    seen = (
        "SELECT coalesce(last_autovacuum, '-infinity') > %s FROM pg_stat_user_tables"
        " WHERE relname = %s"
    )
    since = table.execute("SELECT now()")[0][0]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not table.execute(seen, [since, table.table])[0][0]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"autovacuum didn't come by in {PATIENCE_SECONDS:g} s")
        time.sleep(1)


def _where(table: Database) -> dict[str, str]:
    return {"url": table.url, "prefix": table.prefix}
