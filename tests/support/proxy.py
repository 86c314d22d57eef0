"""A TCP proxy whose network can be made slow, cut, or half-open while clients use it."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Self
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 65536  # bytes
_RESET = struct.pack("ii", 1, 0)  # linger for 0 s: close() sends RST


class _Network(Enum):
    PASSES = "passes"
    HOLDS = "holds"
    REFUSES = "refuses"


class Proxy:
    """Forwards a free local port to `host`:`port`. Close it, or use it as a context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._state = threading.Condition()
        self._network = _Network.PASSES
        self._delay = 0.0
        self._closed = False
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._spawn(self._accept)

    def url(self, url: str) -> str:
        """`url` with the proxy in place of its host and port."""
        parts = urlsplit(url)
        account = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{account}127.0.0.1:{self.port}"))

    def delay(self, seconds: float) -> None:
        """From now on every chunk arrives `seconds` late, in either direction."""
        with self._state:
            self._delay = seconds

    def blackhole(self) -> None:
        """Connections stay open and new ones open, but nothing comes through until `resume`."""
        self._set(_Network.HOLDS)

    def cut(self) -> None:
        """Reset every connection; new ones are served."""
        with self._state:
            doomed, self._sockets = self._sockets, set()
        for end in doomed:
            _reset(end)

    def refuse(self) -> None:
        """Reset every connection, and new ones at once, until `resume`."""
        self._set(_Network.REFUSES)
        self.cut()

    def resume(self) -> None:
        """Pass everything again, at once; what a black hole held back is delivered."""
        with self._state:
            self._delay = 0.0
        self._set(_Network.PASSES)

    @property
    def connections(self) -> int:
        """How many client connections are open."""
        with self._state:
            return len(self._sockets) // 2

    def close(self) -> None:
        """Reset every connection and stop listening."""
        with self._state:
            self._closed = True
            self._state.notify_all()
        with suppress(OSError):  # wakes accept(); some systems refuse it on a listener
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set(self, network: _Network) -> None:
        with self._state:
            self._network = network
            self._state.notify_all()

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            if self._network is _Network.REFUSES or self._closed:
                _reset(client)
                continue
            try:
                server = self._reach_upstream()
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._state:
                self._sockets |= {client, server}
            self._spawn(self._pump, client, server)
            self._spawn(self._pump, server, client)

    def _reach_upstream(self) -> socket.socket:
        return socket.create_connection(self._upstream, timeout=5)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                self._wait_for_passage()
                target.sendall(chunk)
            self._wait_for_passage()
        self._hang_up(source, target)

    def _wait_for_passage(self) -> None:
        with self._state:
            if self._delay:
                self._state.wait_for(lambda: self._closed, timeout=self._delay)
            self._state.wait_for(lambda: self._closed or self._network is not _Network.HOLDS)

    def _hang_up(self, *ends: socket.socket) -> None:
        """Close both ends in order; no database protocol half-closes."""
        with self._state:
            open_ends = self._sockets.intersection(ends)
            self._sockets.difference_update(ends)
        for end in open_ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def proxied(url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy before the server of `url`, and the URL through it."""
    parts = urlsplit(url)
    with Proxy(parts.hostname or "127.0.0.1", parts.port or 0) as proxy:
        yield proxy, proxy.url(url)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    with suppress(OSError):  # wakes the thread that reads from it
        end.shutdown(socket.SHUT_RDWR)
    end.close()
