"""The handlers' process as a fork: it starts without the price of its imports."""

import os
from pathlib import Path

from tests.support.forked import shared_forker

_FOREVER = 1e6


class ForkedChild:
    """As the `Popen` that `tasq_tui.child.parent` makes; its event pipe is descriptor 3."""

    def __init__(self, event_descriptor: int) -> None:
        (stdin, entry), (out, stdout), (err, stderr) = (os.pipe() for _ in range(3))
        self.stdin = os.fdopen(entry, "wb")
        self.stdout, self.stderr = os.fdopen(out, "rb"), os.fdopen(err, "rb")
        theirs = [stdin, stdout, stderr]
        try:
            self._fork = shared_forker().start(
                ("tasq_tui.child", "3"), [*theirs, event_descriptor], Path.cwd(), os.environ
            )
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        self.pid = self._fork.pid

    def wait(self) -> int:
        """Its return code, once it has ended."""
        try:
            return self._fork.wait(_FOREVER)
        finally:
            self._fork.close()
