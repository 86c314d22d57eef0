"""A lock that no exception of a signal handler leaves taken."""

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import _RLock as RLock
elif sys.version_info < (3, 14):
    RLock = threading.RLock
else:
    import _thread

    class RLock(_thread.RLock):
        """As `threading.RLock`, whose own `with` Python 3.14 cuts in two.

        There the interpreter looks for signals between taking the lock and entering the block: a
        handler that raises then, as Ctrl-C's does, leaves the lock taken for ever. It doesn't look
        when a method written in Python returns.
        """

        def __enter__(self) -> bool:
            before = self._recursion_count()
            try:
                return self.acquire()
            except BaseException:
                if self._recursion_count() > before:
                    self.release()
                raise


def new_lock() -> "RLock":
    """One for `with`, which its thread may take again; `threading.Condition` may be made on it."""
    return RLock()
