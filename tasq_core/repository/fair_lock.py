"""A lock that goes to whoever has waited longest for it."""

import threading
from collections import deque
from threading import get_ident
from types import TracebackType

from tasq_core.locks import new_lock


class FairLock:
    """As `threading.RLock`, and in turn: a thread that comes back at once waits behind the others.

    With an RLock a poller that claims on and on keeps the outcome writer out for as long as it
    finds tasks: it takes the lock again before the other is awake.

    An exception of a signal handler leaves it either taken by the caller or not taken.
    """

    def __init__(self) -> None:
        self._mutex = new_lock()
        self._waiting: deque[tuple[int, threading.Lock]] = deque()
        self._owner: int | None = None
        self._depth = 0

    def acquire(self) -> None:
        """Take it, when it is this thread's turn."""
        me = get_ident()
        if self._owner == me:
            self._depth += 1
            return
        turn = threading.Lock()
        turn.acquire()
        place = (me, turn)
        try:
            with self._mutex:
                if self._owner is None:
                    self._owner, self._depth = me, 1
                    return
                self._waiting.append(place)
            turn.acquire()
        except BaseException:
            with self._mutex:
                if place in self._waiting:
                    self._waiting.remove(place)
            if self._owner == me:
                self.release()
            raise

    def release(self) -> None:
        """Give it to the next.

        Raises:
            RuntimeError: this thread doesn't have it.
        """
        if self._owner != get_ident():
            raise RuntimeError("the lock is another thread's, or nobody's")
        with self._mutex:
            if self._depth > 1:
                self._depth -= 1
            elif self._waiting:
                self._owner, turn = self._waiting.popleft()
                turn.release()
            else:
                self._owner = None

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
