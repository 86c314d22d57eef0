"""The app in a real pty: how soon it stands there, how soon a key shows, what it holds."""

import tempfile
from pathlib import Path

import tasq_core
from benchmarks import child, seed
from benchmarks.results import ROUNDS, Results, number, percentile
from benchmarks.stage import Stage
from benchmarks.terminal import App
from tests.support.databases import Database

PAGES = 300
TIMED_PAGES = 150
REFRESHES = 40
SECTION = "The app"
PAGE_DOWN = b"\x1b[6~"
PAUSE = b"\x1b[17~"  # F6

_HANDLERS = """
import ctypes

def burn(task):
    number = 0
    while True:
        number = (number * 3 + 1) % 1_000_003

def block(task):
    print("blocking")
    ctypes.PyDLL(None).sleep(600)  # keeps the interpreter locked: no thread of it runs

handlers = {"burn": burn, "block": block}
"""


def measure(results: Results, table: Database, name: str) -> None:
    """What the app takes on a table, `name` being what the figures are called by."""
    _first_frame(results, name, table.url, table.prefix)
    _keys(results, name, table.url, table.prefix)
    refreshes = child.call(
        "contenders.cockpit", "refreshes", url=table.url, prefix=table.prefix, count=REFRESHES
    )
    _judge_percentile(results, f"{name}: refresh of the view", refreshes, 10)


def run(stage: Stage, results: Results, full: bool) -> None:  # noqa: ARG001 - as every section
    """Keys while two handlers take all the CPU they get; quitting while one can't be stopped."""
    with stage.table("sqlite") as table, tempfile.TemporaryDirectory() as folder:
        seed.fill(table, seed.MIXED, 1, 20_000)
        (Path(folder) / "busy_jobs.py").write_text(_HANDLERS)
        with tasq_core.connect(table.url, prefix=table.prefix) as client:
            producer = client.new_producer()
            for _ in range(2):
                producer.submit("burn", None)
            with _consuming(table.url, table.prefix, Path(folder), b"running") as app:
                app.type(b"2", b"newest first")
                app.settle()
                firsts = [app.press(PAGE_DOWN)[0] for _ in range(PAGES // 3)]
            ends = []
            for _ in range(ROUNDS):
                producer.submit("block", None)
                with _consuming(table.url, table.prefix, Path(folder), b"blocking") as app:
                    ends.append(app.quit())
                client.new_inspector().purge(False, types="block")
    _judge_percentile(results, "app: keys while two handlers burn the CPU", firsts, 30)
    results.keep(SECTION, "app: quit with a blocked handler", ends, "s")
    results.judge_most("app: quit with a blocked handler", max(ends), 2, "s")


def _first_frame(results: Results, name: str, url: str, prefix: str) -> None:
    starts = []
    for _ in range(2 * ROUNDS + 1):
        with App(url, prefix) as app:
            at = app.frame(b"Overview")
            starts.append(((at or float("inf")) - app.started) * 1000)
    results.keep(SECTION, f"{name}: exec to first frame", starts[1:], "ms")
    results.judge_most(f"{name}: exec to first frame", percentile(starts[1:], 0.5), 400, "ms")


def _keys(results: Results, name: str, url: str, prefix: str) -> None:
    with App(url, prefix) as app:
        app.frame(b"Overview")
        app.settle()
        app.press(b"2")
        app.press(PAUSE)  # the frames of a live refresh can't be told from those of a key
        firsts, lasts = zip(*(app.press(PAGE_DOWN) for _ in range(TIMED_PAGES)), strict=True)
        app.hold(PAGE_DOWN, PAGES - TIMED_PAGES)
        memory = app.memory
    _judge_percentile(results, f"{name}: key to first frame", list(firsts), 20)
    _judge_percentile(results, f"{name}: key to settled", list(lasts), 40)
    results.show(SECTION, f"{name}: memory after {PAGES} pages", f"**{memory:.0f}** MB")
    results.judge_most(f"{name}: memory after {PAGES} pages", memory, 80, "MB")


def _judge_percentile(results: Results, what: str, values: list[float], most: float) -> None:
    half, high = percentile(values, 0.5), percentile(values, 0.95)
    results.show(SECTION, what, f"p50 **{number(half)}** ms, p95 **{number(high)}** ms")
    results.judge_most(f"{what}, p95", high, most, "ms")


def _consuming(url: str, prefix: str, folder: Path, until: bytes) -> App:
    app = App(url, prefix, folder=folder)
    app.frame(b"Overview")
    app.type(b"6", b"no handlers yet")
    app.type(b"l")
    app.type(b"\x15busy_jobs\r", b"ready")
    app.type(b"s", until)
    app.settle()
    return app
