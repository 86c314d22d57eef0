"""A network where some connections are dead without anybody being told."""

import threading

from tests.support.proxy import Proxy


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
