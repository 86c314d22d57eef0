"""Networks that keep dead connections open, or lead to one server after another."""

import socket
import threading
from collections.abc import Sequence
from itertools import count

from tests.support.proxy import Proxy


class Balancer(Proxy):
    """Leads each new connection to the next of several servers; one that is gone is left out."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._turn = count()
        super().__init__("127.0.0.1", ports[0])

    def _reach_upstream(self) -> socket.socket:
        for _ in self._ports[1:]:
            try:
                return self._reach_next()
            except OSError:
                continue
        return self._reach_next()

    def _reach_next(self) -> socket.socket:
        port = self._ports[next(self._turn) % len(self._ports)]
        return socket.create_connection(("127.0.0.1", port), timeout=5)


class SilencingProxy(Proxy):
    """A proxy that can keep what is connected from saying a word, and still serve new clients."""

    def __init__(self, host: str, port: int) -> None:
        self._silenced: set[threading.Thread] = set()
        super().__init__(host, port)

    def silence(self) -> int:
        """Let nothing more through on the connections there are now, for good; how many."""
        self._silenced |= set(self._threads)
        return self.connections

    def _wait_for_passage(self) -> None:
        if threading.current_thread() in self._silenced:
            with self._state:
                self._state.wait_for(lambda: self._closed)
        super()._wait_for_passage()
