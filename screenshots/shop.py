"""What the pictures show: a made-up shop with a fleet, schedules and a pause; and empty tables."""

import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest import mock
from uuid import UUID

from msgspec import structs

from tasq_core import connect
from tasq_core.client import Client
from tasq_core.filters import Filter
from tasq_core.fleet.pauses import Pauses
from tasq_core.fleet.registry import Registry
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import Task
from tasq_tui.admin.demo import fill
from tasq_tui.admin.demo_data import JOB_TYPES
from tasq_tui.child.protocol import AnyEvent, Finished
from tasq_tui.ui.consumer.state import Consuming

NOW = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
SHOP_URL = "sqlite:///shop.db"
"""Relative, so that a picture doesn't tell where it was made."""
EMPTY_URL = "sqlite:///empty.db"
_apply = Consuming.apply
_GONE = timedelta(minutes=38)
_NINE_DAYS = timedelta(days=9)


@dataclass(frozen=True, slots=True)
class _Worker:
    name: str
    host: str
    queues: tuple[str, ...]
    done: int
    failed: int
    up: timedelta
    state: str = "running"
    silent: timedelta = timedelta(seconds=2)
    release: str = "a1b2c3d"


_FLEET = (
    _Worker("worker-1", "app-1", ("mail",), 41_203, 22, timedelta(days=3)),
    _Worker("worker-2", "app-1", ("mail", "billing"), 38_950, 310, timedelta(days=3)),
    _Worker("worker-3", "app-2", ("media",), 2_004, 12, timedelta(hours=5), "quiet"),
    _Worker("worker-4", "app-2", ("webhooks",), 9_730, 1_204, timedelta(days=3)),
    _Worker("worker-5", "app-3", ("reports",), 611, 4, _NINE_DAYS, "running", _GONE, "9f8e7d6"),
)  # fmt: skip


def make_tables() -> None:
    """Fill `shop.db` and `empty.db` in the working directory, the clock stopped."""
    with connect(SHOP_URL) as client:
        client.migrate()
        fill(client.repository, now=NOW)
        side = SideTables(client.repository)
        _register(client, Registry(side))
        Pauses(side).add(
            "queue", "reports", timedelta(hours=16), "warehouse maintenance", "ada@app-1"
        )
        at_night = {"time_zone": "Europe/Berlin", "queue": "reports"}
        client.schedule("nightly report", "0 3 * * *", "report.daily", **at_night)
        client.schedule("newsletter", "0 9 * * mon", "email.newsletter", queue="mail")
        client.schedules().pause("newsletter")
    with connect(EMPTY_URL) as client:
        client.migrate()


def _register(client: Client, registry: Registry) -> None:
    leased = client.repository.page(Filter.parse("is:leased"), limit=1000)
    for number, worker in enumerate(_FLEET, 1):
        mine = [task for task in leased if task.queue in worker.queues][: 3 * number]
        with stopped_clock(NOW - worker.silent):
            registry.write(UUID(int=number), _row(worker, 4120 + number, mine))


def _row(worker: _Worker, pid: int, tasks: Sequence[Task]) -> dict[str, object]:
    running = [
        [
            task.id.hex, task.receive_count, task.type, task.queue,
            (NOW - worker.silent - (task.started_at or NOW)).total_seconds(),
        ]
        for task in tasks[:8]
    ]  # fmt: skip
    waiting = [[task.id.hex, task.receive_count] for task in tasks[8:]]
    return {
        "name": worker.name, "host": worker.host, "pid": pid, "version": "0.1.0",
        "release_name": worker.release, "queues": json.dumps(worker.queues),
        "types": json.dumps([kind.type for kind in JOB_TYPES if kind.queue in worker.queues]),
        "workers": 8, "state": worker.state,
        "counts": json.dumps({"succeeded": worker.done, "failed": worker.failed}),
        "in_flight": json.dumps({"running": running, "waiting": waiting}), "last_error": None,
        "started_ago": worker.up.total_seconds(), "heartbeat_seconds": 5.0,
    }  # fmt: skip


@contextmanager
def stopped_clock(at: datetime = NOW) -> Iterator[None]:
    """SQLite's clock stands still, a question takes 2 ms, a handler quarters of a second."""
    frozen = SimpleNamespace(
        time_ns=lambda: int(at.timestamp()) * 1_000_000_000,
        monotonic=time.monotonic,
        time=at.timestamp,
    )
    with (
        mock.patch("tasq_core.repository.sqlite.time", frozen),
        mock.patch("tasq_tui.ui.widgets.header._took", return_value="2ms"),
        mock.patch("tasq_tui.ui.widgets.header._SLOW_SECONDS", math.inf),
        mock.patch("tasq_tui.ui.history.screen.getuser", return_value="ada"),
        mock.patch("tasq_tui.ui.consumer.state.Consuming.apply", _in_quarters),
    ):
        yield


def _in_quarters(model: Consuming, event: AnyEvent, now: float) -> None:
    """Take an event; a handler's time, a little more or less in each run, is rounded up."""
    if isinstance(event, Finished):
        event = structs.replace(event, seconds=math.ceil(4 * event.seconds) / 4)
    _apply(model, event, now)
