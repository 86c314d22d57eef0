"""One server of a kind for all workers of a parallel run (pytest-xdist).

The controller makes a folder and holds a named pipe for each kind of server. The first worker
that needs a server starts it and writes its URL down; the others read it. The server's reaper
reads from that pipe, so the server lives until the controller and the worker that started it
are both gone, however they ended.
"""

import fcntl
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.programs import ServerUnavailableError
from tests.support.servers import MariaDBServer, PostgresServer, Server

_INPUT = "tasq_servers"
_KEY = pytest.StashKey["SharedServers"]()
_started: list[Server] = []


@dataclass(frozen=True)
class Address:
    """Where a server that another process may have started is reached."""

    url: str


class SharedServers:
    """What the controller of a parallel run owns: the folder and the pipes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tasq-shared-"))
        self._held: list[int] = []
        for server in (PostgresServer, MariaDBServer):
            os.mkfifo(self.folder / server.name, 0o600)
            self._held.append(os.open(self.folder / server.name, os.O_RDWR | os.O_CLOEXEC))

    def close(self) -> None:
        """Let the servers be stopped."""
        for descriptor in self._held:
            os.close(descriptor)
        shutil.rmtree(self.folder, ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the sharing in the controller."""
    if getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput"):
        config.stash[_KEY] = SharedServers()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a new worker where the servers are written down."""
    node.workerinput[_INPUT] = str(node.config.stash[_KEY].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the servers go when the controller ends."""
    if shared := config.stash.get(_KEY, None):
        shared.close()


def folder_of(config: pytest.Config) -> Path | None:
    """Where this worker finds its controller's servers; None in a run of one process."""
    place = getattr(config, "workerinput", {}).get(_INPUT)
    return Path(place) if place else None


def shared_address(folder: Path, server: type[Server]) -> Address:
    """The server that all workers use; started by the first that asks.

    Raises:
        ServerUnavailableError: it could not be started, by this worker or by the first.
    """
    written = folder / f"{server.name}.json"
    with (folder / f"{server.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not written.exists():
            written.write_text(json.dumps(_start(folder, server)))
        answer = json.loads(written.read_text())
    if "url" not in answer:
        raise ServerUnavailableError(answer["error"])
    return Address(answer["url"])


def _start(folder: Path, server: type[Server]) -> dict[str, str]:
    try:
        running = server(lifeline=folder / server.name)
    except ServerUnavailableError as error:
        return {"error": str(error)}
    _started.append(running)  # its pipe stays open as long as this process lives
    return {"url": running.url}
