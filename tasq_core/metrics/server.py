"""Answers scrapes: a small HTTP server in threads of its own."""

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer
from typing import Any, Final

from tasq_core.errors import TasqError
from tasq_core.metrics.exposition import OPENMETRICS_TYPE, PROMETHEUS_TYPE

_MOST_CONNECTIONS: Final = 8
_SILENT_SECONDS: Final = 5.0
"""A client that sends nothing for so long is hung up on."""


class MetricsServer:
    """Serves `GET /metrics` until closed; any other path is not found.

    At most eight clients at once, each heard for five seconds without a word: scrapers come one
    at a time, and what else connects may not cost the program more.
    """

    def __init__(self, host: str, port: int, text: Callable[..., str]) -> None:
        """Listen, and answer in a thread.

        Args:
            host: an address or name of this machine; "0.0.0.0" or "::" is all of them.
            port: 0 takes a free one.
            text: called with `open_metrics=`, one call at a time; gives what is served.

        Raises:
            TasqError: can't listen there.
        """
        collecting = threading.Lock()

        def collect(*, open_metrics: bool) -> str:
            with collecting:
                return text(open_metrics=open_metrics)

        try:
            self._server = _Server(host, port, collect)
        except OSError as error:
            raise TasqError(
                f"can't listen on {host}:{port}: {error.strerror or error}; choose another address"
            ) from error
        except OverflowError as error:
            raise TasqError(f"can't listen on {host}:{port}: no such port") from error
        self.host = host
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="tasq-metrics",
            daemon=True,
        )  # fmt: skip
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/metrics"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(1)


class _Server(HTTPServer):
    request_queue_size = 16

    def __init__(self, host: str, port: int, collect: Callable[..., str]) -> None:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        self.address_family = family
        self.collect = collect
        self._free = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        super().__init__((host, port), _Scrape)

    def server_bind(self) -> None:
        """Listen; HTTPServer's own looks the host's name up, which can take many seconds."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, while there are few."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        threading.Thread(
            target=self._answer, args=(request, client_address), name="tasq-scrape", daemon=True
        ).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or sent no HTTP: nothing that concerns the program."""

    def _answer(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:  # noqa: BLE001 - costs this client its answer, and nobody else anything
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)
            self._free.release()


class _Scrape(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SILENT_SECONDS
    server_version = "tasq"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a scrape."""
        if self.path.partition("?")[0] != "/metrics":
            self._send(404, "text/plain; charset=utf-8", "only /metrics is served here\n")
            return
        wanted = "application/openmetrics-text" in self.headers.get("Accept", "")
        try:
            body = self.server.collect(open_metrics=wanted)
        except Exception as error:  # noqa: BLE001 - the scraper is told; the next one may succeed
            self._send(500, "text/plain; charset=utf-8", f"{type(error).__name__}\n")
            return
        self._send(200, OPENMETRICS_TYPE if wanted else PROMETHEUS_TYPE, body)

    def do_HEAD(self) -> None:
        """The same without a body."""
        self.do_GET()

    def _send(self, code: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Scrapes come every few seconds: no line each."""
