"""What the child tests share: an ear for events, and handlers in a module of their own."""

import os
import threading
from typing import Any, TypeVar

from tasq_tui.child.pool import ChildPool
from tasq_tui.child.protocol import AnyEvent, DryRun, Load, Loaded, Output
from tests.support.builders import make_task
from tests.support.wait import wait_until

E = TypeVar("E")

HANDLERS = """
import asyncio, atexit, ctypes, logging, os, subprocess, sys, threading, time

forever = threading.Event()

def prints(task):
    print("hello", task.type)
    print("to stderr", file=sys.stderr)
    sys.stdout.buffer.write(b"raw \\xff bytes\\n")
    print("no end", end="")

def logs(task):
    logging.getLogger("shop").warning("low on %s", "tea")
    logging.getLogger("shop").debug("unheard")

def past_python(task):
    os.write(1, b"descriptor 1\\n")
    subprocess.run([sys.executable, "-c", "import os; os.write(2, b'a program\\\\n')"])

def escapes(task):
    print("\\x1b[2J\\x1b]0;owned\\x07[bold]\\x00\\u202e\\udc80")

def floods(task):
    for number in range(20_000):
        print("line", number)

def floods_past_python(task):
    os.write(2, b"x\\n" * 200_000)

def long_line(task):
    print("é" * 20_000, end="")

def fails(task):
    raise ValueError("no such address")

def exits(task):
    raise SystemExit(3)

def snoozes(task):
    from tasq_core import Snooze
    raise Snooze(60)

def discards(task):
    from tasq_core import Discard
    raise Discard("the address is gone")

def blocks(task):
    print("blocking")
    forever.wait()

def blocks_in_c(task):
    print("blocking")
    ctypes.PyDLL(None).sleep(60)  # PyDLL keeps the interpreter locked

def blocks_with_program(task):
    print("blocking")
    subprocess.run(["sleep", "60"])

def dies(task):
    print("last words")
    os._exit(7)

def dies_at_exit(task):
    atexit.register(os._exit, 9)

def segfaults(task):
    print("last words")
    ctypes.string_at(0)

def reads(task):
    print("read", repr(sys.stdin.read()))

async def later(task):
    await asyncio.sleep(0)
    print("later", task.type)

def scribbles(task):
    for descriptor in range(3, 1024):
        try:
            os.write(descriptor, b"not an event\\n")
        except OSError:
            pass

handlers = {name: value for name, value in list(globals().items()) if callable(value)}
"""


class Ear:
    """Collects events from whatever thread they come."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.batches: list[int] = []
        self._lock = threading.Lock()

    def __call__(self, events: list[AnyEvent]) -> None:
        with self._lock:
            self.events.extend(events)
            self.batches.append(len(events))

    def of(self, kind: type[E], **fields: Any) -> list[E]:
        """The events of `kind` heard so far whose fields are as given."""
        with self._lock:
            heard = [event for event in self.events if isinstance(event, kind)]
        return [e for e in heard if all(getattr(e, name) == v for name, v in fields.items())]

    def wait(self, kind: type[E], count: int = 1, **fields: Any) -> E:
        """The `count`th event of `kind` with these fields, once it has come."""
        return wait_until(
            lambda: self.of(kind, **fields)[count - 1 :],
            message=lambda: f"{kind.__name__} {fields}; heard {self.events[-20:]}",
        )[0]

    def text(self, stream: str = "stdout") -> list[str]:
        """The lines heard on `stream`."""
        return [event.text for event in self.of(Output, stream=stream)]


def load(child: Any, ear: Ear, directory: Any, url: str = "sqlite://") -> Loaded:
    """Write HANDLERS to `directory` and load them."""
    (directory / "shop_jobs.py").write_text(HANDLERS)
    command = Load("shop_jobs", str(directory), url)
    child.load(command) if isinstance(child, ChildPool) else child.send(command)
    return ear.wait(Loaded)


def dry_run(child: Any, type_: str) -> Any:
    """Send a dry run of a fresh task of this type; the task."""
    task = make_task(type=type_)
    child.send(DryRun(task=task))
    return task


def group_is_gone(pid: int) -> bool:
    """Whether no process of the group is left."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False
