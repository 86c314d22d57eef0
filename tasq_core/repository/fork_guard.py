"""Keeps a fork from cutting a call in two, and gives a child connections of its own.

A forked child has the forking thread only: a lock that another thread held stays held in it
for ever, SQLite's own ones included, and SQLite takes the parent's file locks for its own.
So a fork waits until no guarded call is under way, and SQLite's connections are closed
meanwhile. Sessions of a server need such a wait only while they begin, under OpenSSL's locks:
a child leaves the parent's alone.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol
from weakref import WeakSet

from tasq_core.locks import new_lock

_LONGEST_WAIT: Final = 15.0
"""Seconds that a fork waits for calls to end: longer than SQLite waits for another writer."""


class ForkAware(Protocol):
    """What has a part in every fork of the process."""

    def before_fork(self) -> None:
        """Drop what a child must not inherit; no guarded call is under way."""

    def after_fork(self, *, torn: bool) -> None:
        """In the child: leave the parent's connections alone, replace locks.

        `torn`: a guarded call of another thread was cut in two, by a fork that waited in vain
        or by one that Python wasn't told of beforehand.
        """


class ForkGuard:
    """Counts the guarded calls that are under way; a fork waits until there is none."""

    def __init__(self) -> None:
        self._watched: WeakSet[ForkAware] = WeakSet()
        self._renew()

    def _renew(self) -> None:
        self._forks = threading.Lock()
        # Entered as itself, in one step: a condition's own `with` is Python, and a signal handler
        # that raises within it would leave the lock taken, and every other thread waiting.
        self._lock = new_lock()
        self._idle = threading.Condition(self._lock)
        self._calls: dict[object, int] = {}
        self._is_forking = False

    def watch(self, part: ForkAware) -> None:
        """Tell `part` of each fork, as long as it lives."""
        self._watched.add(part)

    def enter(self, call: object) -> None:
        """Begin a call that no fork may cut; waits for a fork unless within another call."""
        thread = threading.get_ident()
        with self._lock:
            while self._is_forking and thread not in list(self._calls.values()):
                self._idle.wait()
            self._calls[call] = thread

    def leave(self, call: object) -> None:
        """End it; a second time does nothing, so that an interrupted caller may leave again."""
        self._calls.pop(call, None)  # in one step, which no signal can cut in two
        if self._is_forking:
            with self._lock:
                self._idle.notify_all()

    @contextmanager
    def call(self) -> Iterator[None]:
        """`enter`, and `leave` at the block's end."""
        call = object()
        try:
            self.enter(call)
            yield
        finally:
            self.leave(call)

    def before(self) -> None:
        """Before a fork, in the thread that forks."""
        self._forks.acquire()
        own = threading.get_ident()
        deadline = time.monotonic() + _LONGEST_WAIT
        with self._lock:
            self._is_forking = True
            while any(thread != own for thread in list(self._calls.values())):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._idle.wait(left)
            quiet = not self._calls
        if quiet:
            for part in list(self._watched):
                part.before_fork()

    def after_in_parent(self) -> None:
        """After it, in the parent."""
        with self._lock:
            self._is_forking = False
            self._idle.notify_all()
        self._forks.release()

    def after_in_child(self) -> None:
        """After it, in the child."""
        torn = bool(self._calls)
        self._renew()
        for part in list(self._watched):
            part.after_fork(torn=torn)


guard: Final = ForkGuard()
"""The process has one: SQLite's locks are the process's."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=guard.before,
        after_in_parent=guard.after_in_parent,
        after_in_child=guard.after_in_child,
    )
