"""Programs that run as processes of their own: `python -m tests.reliability.workers NAME CONFIG`.

They say what happens by printing JSON lines, and log to standard error.
"""

import ctypes
import faulthandler
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tasq_core as tasq
from tests.reliability.effects import Effects
from tests.support.wait import wait_until

_output = threading.Lock()


@dataclass
class Config:
    """What a worker is told."""

    url: str
    prefix: str
    threads: int = 2
    options: dict[str, Any] = field(default_factory=dict)
    connect: dict[str, Any] = field(default_factory=dict)
    effects: str | None = None
    """The URL of the database where effects are counted."""
    outcome_fault: str | None = None
    """"hang" or "unheard": what happens when outcomes are to be written."""
    stop_timeout: float | None = None
    """On SIGTERM stop with this deadline, by the program's own handler of the signal."""
    stop_when_empty: bool = False
    submit: int = 0
    """For `produce`: how many tasks."""


def emit(event: str, **values: Any) -> None:
    """Print one event, whole, at once."""
    line = json.dumps({"event": event, "at": time.time(), **values})
    with _output:
        os.write(1, (line + "\n").encode())


# -- what tasks may ask for ------------------------------------------------------------------


def _sleep(task: tasq.Task, args: dict[str, Any]) -> None:
    """Sleep, and say so if the lease is lost meanwhile."""
    end = time.monotonic() + args["seconds"]
    told = False
    while time.monotonic() < end:
        if task.lease_lost and not told:
            told = True
            emit("lease_lost", task=str(task.id), receive=task.receive_count)
        time.sleep(0.02)


def _hold_gil(task: tasq.Task, args: dict[str, Any]) -> None:
    """Keep the interpreter from running any other thread, as a badly written extension does."""
    if task.receive_count == 1:
        wait_until(Path(args["when"]).exists)
        ctypes.PyDLL(None).usleep(int(args["seconds"] * 1e6))
        emit("woke", task=str(task.id), lost=task.lease_lost)


class _UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


_ERRORS: dict[str, Callable[[], BaseException]] = {
    "value": lambda: ValueError("bad value"),
    "keyboard": KeyboardInterrupt,
    "exit": lambda: SystemExit(3),
    "generator": GeneratorExit,
    "base": lambda: BaseException("base"),
    "nul": lambda: ValueError("a\0b"),
    "surrogate": lambda: ValueError("x\udc80y"),
    "huge": lambda: ValueError("z" * 1_000_000),
    "unprintable": _UnprintableError,
}


def _raise(task: tasq.Task, args: dict[str, Any]) -> None:
    """Fail in the way asked for, the first so many times."""
    if task.receive_count <= args.get("times", 1 << 30):
        error = _ERRORS[args["error"]]()
        raise error


def _die(task: tasq.Task, args: dict[str, Any]) -> None:
    """End the process at once, as a segmentation fault or the kernel's OOM killer does."""
    os.kill(os.getpid(), 9)


async def _block_loop(task: tasq.Task, args: dict[str, Any]) -> None:
    """Block the event loop that all coroutines share, as a forgotten `requests.get` does."""
    time.sleep(args["seconds"])


class Actions:
    """What a task's arguments may ask for, by name."""

    def __init__(self, effects: Effects | None) -> None:
        self._effects = effects
        self.by_name: dict[str, Callable[[tasq.Task, dict[str, Any]], object]] = {
            "nothing": lambda task, args: time.sleep(args["seconds"]) if args else None,
            "sleep": _sleep,
            "hold_gil": _hold_gil,
            "raise": _raise,
            "die": _die,
            "block_loop": _block_loop,
            "effect": self._effect,
        }

    def _effect(self, task: tasq.Task, args: dict[str, Any]) -> None:
        """Count once more that the task was done; a share of first tries fails instead."""
        assert self._effects is not None
        time.sleep(args.get("seconds", 0))
        if task.id.int % 100 < args.get("failing", 0) and task.receive_count == 1:
            raise ValueError("this one fails at first")
        self._effects.add(task)

    def __call__(self, task: tasq.Task) -> object:
        args = task.unmarshal_args()
        quiet = args["do"] in ("effect", "nothing")
        if not quiet:
            emit("began", task=str(task.id), receive=task.receive_count, pid=os.getpid(),
                 last=task.is_last_receive())  # fmt: skip
        result = self.by_name[args.pop("do")](task, args)
        if not quiet:
            emit("ended", task=str(task.id), receive=task.receive_count, lost=task.lease_lost)
        return result


class _OutcomeFault:
    """A repository whose first outcome is stuck, or is written and then not heard of."""

    def __init__(self, inner: Any, kind: str) -> None:
        self._inner = inner
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def with_response_timeout(self, timeout: float) -> "_OutcomeFault":
        return _OutcomeFault(self._inner.with_response_timeout(timeout), self._kind)

    def record_outcomes(self, outcomes: Any) -> Any:
        if not any(outcome.finished is not None for outcome in outcomes):
            return self._inner.record_outcomes(outcomes)
        emit("outcome")
        if self._kind == "hang":
            threading.Event().wait()
        written = self._inner.record_outcomes(outcomes)
        if self._kind == "unheard":
            self._kind = "none"
            raise tasq.RepositoryUnavailableError("the answer was lost")
        return written


# -- the programs ----------------------------------------------------------------------------


def consume(config: Config) -> None:
    """Run tasks of type "work" until told to stop."""
    client = tasq.connect(config.url, prefix=config.prefix, **config.connect)
    repository: Any = client.repository
    if config.outcome_fault:
        repository = _OutcomeFault(repository, config.outcome_fault)
    options: dict[str, Any] = {"poll_interval": 0.2, "visibility_timeout": 10} | config.options
    consumer = tasq.Consumer(repository, **options)
    effects = None if config.effects is None else Effects(config.effects, config.prefix)
    consumer.learn("work", Actions(effects))
    emit("ready", pid=os.getpid())
    if config.stop_when_empty:
        threading.Thread(target=_stop_when_empty, args=(client, consumer), daemon=True).start()
    if config.stop_timeout is None:
        consumer.run(workers=config.threads)
    else:
        _run_with_deadline(consumer, config)
    emit("stopped")
    client.close()


def _run_with_deadline(consumer: tasq.Consumer, config: Config) -> None:
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    crew = [
        threading.Thread(target=lambda: [job() for job in consumer.channel()], daemon=True)  # type: ignore[func-returns-value]
        for _ in range(config.threads)
    ]
    consumer.start()
    for thread in crew:
        thread.start()
    while not asked.wait(0.05):
        continue
    consumer.stop(timeout=config.stop_timeout)
    consumer.wait()
    for thread in crew:
        thread.join(0.2)  # an abandoned handler has its say


def _stop_when_empty(client: tasq.Client, consumer: tasq.Consumer) -> None:
    open_ = ["NEW", "ENQUEUED", "IN_PROGRESS"]
    while client.repository.count_tasks(open_, None, None):
        time.sleep(0.2)
    consumer.stop()


def hoard(config: Config) -> None:
    """Claim as much as fits and never take a job from the channel, until told to stop."""
    client = tasq.connect(config.url, prefix=config.prefix)
    consumer = tasq.Consumer(client.repository, **{"poll_interval": 0.2} | config.options)
    consumer.learn("work", print)
    consumer.start()
    emit("ready", pid=os.getpid())
    sys.stdin.read()
    while not client.repository.count_tasks("ENQUEUED", None, None):
        time.sleep(0.02)
    begin = time.monotonic()
    consumer.stop()
    stopped = consumer.wait(30)
    emit("stopped", seconds=time.monotonic() - begin, stopped=stopped)
    client.close()


def forget(config: Config) -> None:
    """Run tasks for a moment, then forget their type and go on."""
    client = tasq.connect(config.url, prefix=config.prefix)
    consumer = client.new_consumer(poll_interval=0.2, max_active_tasks=50, visibility_timeout=30)
    actions = Actions(None)
    begun = threading.Event()

    @consumer.handler("work")
    def run(task: tasq.Task) -> None:
        begun.set()
        actions(task)

    def forget_soon() -> None:
        begun.wait()
        consumer.forget("work")
        emit("forgot")

    consumer.learn("other", print)
    threading.Thread(target=forget_soon, daemon=True).start()
    emit("ready", pid=os.getpid())
    consumer.run(workers=config.threads)
    client.close()


def produce(config: Config) -> None:
    """Submit tasks under ids of our own, each again until an answer says it is stored."""
    import uuid

    client = tasq.connect(config.url, prefix=config.prefix, **config.connect)
    producer = client.new_producer()
    emit("ready", pid=os.getpid())
    tries = 0
    for number in range(config.submit):
        id = uuid.uuid5(uuid.NAMESPACE_OID, f"{config.prefix} {number}")
        while True:
            tries += 1
            try:
                producer.submit("work", {"do": "nothing"}, id=id)
            except tasq.RepositoryError:
                time.sleep(0.01)
            else:
                break
    emit("submitted", count=config.submit, tries=tries)
    client.close()


def delay(config: Config) -> None:
    """Submit one task that is delayed by ten minutes."""
    client = tasq.connect(config.url, prefix=config.prefix)
    emit("ready", pid=os.getpid())
    client.new_producer().submit("work", {"do": "nothing"}, delay=600)
    emit("submitted")
    client.close()


def fork(config: Config) -> None:
    """Use the database, fork, and use it in parent and child at the same time."""
    client = tasq.connect(config.url, prefix=config.prefix)
    repository = client.repository
    repository.count_tasks(None, None, None)
    emit("ready", pid=os.getpid())
    child = os.fork()
    for _ in range(100):
        assert repository.count_tasks(None, None, None) >= 0
        client.new_producer().submit("work", {"do": "nothing"})
    client.close()
    if child == 0:
        os._exit(0)
    emit("forked", child=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # a worker that hangs tells where, when asked
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s"
    )
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    {f.__name__: f for f in (consume, hoard, forget, produce, delay, fork)}[sys.argv[1]](
        Config(**json.loads(sys.argv[2]))
    )
