"""Ctrl+C outside a command's work: while its modules are imported, and when its work is done.

Imports nothing that takes time: it is there before anything else is.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

CODE: Final = 130
"""The exit code of a command that was interrupted."""


def leave_at_once() -> None:
    """Have Ctrl+C end the process with `CODE`, without a traceback, wherever it stands.

    Changes nothing where Ctrl+C is ignored (a job in the background) or has an answer already.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


@contextmanager
def raised() -> Iterator[None]:
    """Have Ctrl+C raise KeyboardInterrupt meanwhile, so that what is under way ends in order."""
    if signal.getsignal(signal.SIGINT) is not _leave:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _leave)


def _leave(_number: int, _frame: object) -> None:
    os._exit(CODE)
