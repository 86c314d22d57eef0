"""Private database servers: temporary, on a port of their own, run by an ordinary user.

A server lives in a temporary folder that only its account can enter, listens on loopback
and wants a random password. What is committed survives a kill of the server, not a loss of
power: nothing waits for the disk, unless it is to be `durable`. Its time zone is neither UTC
nor a whole number of hours from it, so that nothing passes by accident.
However the test run ends, killed included, a small shell notices (its input closes), stops
the server and removes the folder.
"""

import base64
import hashlib
import hmac
import os
import pwd
import random
import secrets
import signal
import socket
import stat
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.support.programs import (
    ServerUnavailableError,
    mariadb_program,
    postgres_program,
    product,
)
from tests.support.wait import wait_until

_REAPER = """\
trap '' INT TERM HUP
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -QUIT "$pid"
  tries=0
  while kill -0 "$pid" && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$pid"
fi
rm -rf "$1"
"""


_FLUSHING_NOTHING = (
    "--innodb-flush-log-at-trx-commit=2",
    "--loose-innodb-flush-method=nosync",
    "--loose-sync-frm=0",
    "--loose-debug-no-sync",
)


class Server(ABC):
    """One database server, started by its constructor. Close it, or use it as a context manager."""

    name: ClassVar[str]
    _shutdown: ClassVar[signal.Signals]

    def __init__(self, lifeline: Path | None = None, *, durable: bool = False) -> None:
        """Set up an empty database and start the server on it.

        Args:
            lifeline: a named pipe; the server lives until all who hold it open for writing
                are gone. Without one, until this process is.
            durable: leave its flushes and its hashing of passwords at the server's defaults, for
                measurements: every commit waits for the disk.

        Raises:
            ServerUnavailableError: a program is missing, or it won't start; says why.
        """
        self._require()
        self.durable = durable
        self.password: str = secrets.token_hex(8)
        self.port: int = _free_port()
        self.account: str = _account_name()
        self.folder: Path = _folder(self.name)
        self._log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        reading, writing = _ends(lifeline)
        self._lifeline = os.fdopen(writing, "wb", buffering=0)
        self._reaper = subprocess.Popen(
            ["/bin/sh", "-c", _REAPER, "reaper", str(self.folder)],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **_identity(),
        )
        os.close(reading)
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL of its database, password included."""

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """What the server program calls itself.

        Raises:
            ServerUnavailableError: there is none.
        """

    @classmethod
    @abstractmethod
    def _require(cls) -> None: ...

    @abstractmethod
    def _initialise(self) -> None: ...

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _connect(self) -> None: ...

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout: float = 60.0) -> None:
        """Start it, if it doesn't run, and wait until it accepts connections.

        Raises:
            ServerUnavailableError: it ended, or `timeout` seconds passed; shows its log.
        """
        if self.running:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_environment(),
                start_new_session=True,
                **_identity(),
            )
        self._tell_reaper(str(self._process.pid))
        try:
            wait_until(lambda: not self.running or self._accepts(), timeout)
        except AssertionError as error:
            raise ServerUnavailableError(f"{self.name}: {error}\n{self._log_tail()}") from None
        if not self.running:
            raise ServerUnavailableError(f"{self.name} ended at start:\n{self._log_tail()}")

    def stop(self, timeout: float = 60.0) -> None:
        """Shut it down in order: connections are told, data is flushed."""
        if self._process is not None and self.running:
            self._process.send_signal(self._shutdown)
            self._process.wait(timeout)
        self._tell_reaper("")

    def kill(self) -> None:
        """SIGKILL to all of its processes at once, as when the machine loses power."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGSTOP)  # or it would tell the others first
            for pid in [*_children(self._process.pid), self._process.pid]:
                os.kill(pid, signal.SIGKILL)
            self._process.wait(10)
        self._tell_reaper("")

    def restart(self) -> None:
        """`stop`, then `start`, on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it and remove all it has left."""
        self.kill()
        self._lifeline.close()
        self._reaper.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, *command: str) -> None:
        """Run a set-up program to its end.

        Raises:
            ServerUnavailableError: it failed; shows what it wrote.
        """
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=self.folder,
            env=_environment(),
            check=False,
            **_identity(),
        )
        if answer.returncode:
            written = (answer.stdout + answer.stderr).strip()[-2000:]
            raise ServerUnavailableError(f"{Path(command[0]).name} failed: {written}")

    def _write(self, name: str, text: str) -> Path:
        """A file in the folder that the server's account can read."""
        path = self.folder / name
        path.write_text(text)
        if identity := _identity():
            os.chown(path, identity["user"], identity["group"])
        return path

    def _accepts(self) -> bool:
        try:
            self._connect()
        except Exception:  # whatever a driver raises while the server isn't up
            return False
        return True

    def _tell_reaper(self, pid: str) -> None:
        if not self._lifeline.closed:
            self._lifeline.write(f"{pid}\n".encode())

    def _log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""


class PostgresServer(Server):
    """A private PostgreSQL; its account is a superuser."""

    name = "postgres"
    _shutdown = signal.SIGINT  # "fast": ends sessions rather than wait for them

    @property
    def url(self) -> str:
        return f"postgresql://tasq:{self.password}@127.0.0.1:{self.port}/postgres"

    @classmethod
    def version(cls) -> str:
        return product([postgres_program("postgres"), "--version"])

    @classmethod
    def _require(cls) -> None:
        for program in ("postgres", "initdb"):
            postgres_program(program)

    def _initialise(self) -> None:
        # PostgreSQL 13's initdb reads a hundred characters of it.
        plain = self.durable or "PostgreSQL 13" in self.version()
        secret = self.password if plain else _scram_verifier(self.password)
        password = self._write("password", secret)
        self._run(
            postgres_program("initdb"),
            *("--pgdata", str(self.folder / "data"), "--username", "tasq"),
            *("--auth", "scram-sha-256", "--pwfile", str(password)),
            *("--encoding", "UTF8", "--no-locale", "--no-sync"),
        )
        settings = self.folder / "data" / "postgresql.conf"
        with settings.open("a") as file:
            file.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\n"
                f"unix_socket_directories = '{self.folder}'\n"
                "max_connections = 400\ntimezone = 'America/St_Johns'\n"
            )
            if not self.durable:
                file.write("fsync = off\n")

    def _command(self) -> list[str]:
        return [postgres_program("postgres"), "-D", str(self.folder / "data")]

    def _connect(self) -> None:
        import psycopg

        psycopg.connect(self.url, connect_timeout=5).close()


class MariaDBServer(Server):
    """A private MariaDB; the URL's account may do everything."""

    name = "mysql"
    _shutdown = signal.SIGTERM

    @property
    def url(self) -> str:
        return f"mysql://tasq:{self.password}@127.0.0.1:{self.port}/tasq"

    @classmethod
    def version(cls) -> str:
        return product([mariadb_program("mariadbd"), "--version"])

    @classmethod
    def _require(cls) -> None:
        for program in ("mariadbd", "mariadb-install-db"):
            mariadb_program(program)

    def _initialise(self) -> None:
        self._run(
            mariadb_program("mariadb-install-db"),
            *("--no-defaults", f"--datadir={self.folder}/data", "--skip-test-db"),
            # A server that starts removes every temporary table in its folder for them.
            f"--tmpdir={self.folder}",
            *(
                "--auth-root-authentication-method=socket",
                f"--auth-root-socket-user={self.account}",
            ),
        )
        self._write_accounts()

    def _write_accounts(self) -> None:
        self._write(
            "init.sql",
            "CREATE DATABASE IF NOT EXISTS tasq;\n"
            f"CREATE USER IF NOT EXISTS tasq@'%' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON *.* TO tasq@'%' WITH GRANT OPTION;\n",
        )

    def _command(self) -> list[str]:
        return [
            mariadb_program("mariadbd"),
            "--no-defaults",
            f"--datadir={self.folder}/data",
            f"--tmpdir={self.folder}",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            f"--init-file={self.folder}/init.sql",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--max-connections=400",
            "--default-time-zone=-03:30",
            *(() if self.durable else _FLUSHING_NOTHING),
        ]

    def _connect(self) -> None:
        import pymysql

        pymysql.connect(
            host="127.0.0.1", port=self.port, user="tasq", password=self.password, connect_timeout=5
        ).close()


def _scram_verifier(password: str) -> str:
    """What PostgreSQL stores of it, from one round of hashing: 4096 cost each client 2.5 ms."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    served = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, served64 = (
        base64.b64encode(part).decode() for part in (salt, stored, served)
    )
    return f"SCRAM-SHA-256$1:{salt64}${stored64}:{served64}"


def _ends(lifeline: Path | None) -> tuple[int, int]:
    """The pipe's end for the reaper and ours; nobody else inherits them."""
    if lifeline is None:
        return os.pipe()
    writing = os.open(lifeline, os.O_RDWR | os.O_CLOEXEC)
    return os.open(lifeline, os.O_RDONLY | os.O_CLOEXEC), writing


def _identity() -> dict[str, Any]:
    """What makes Popen drop root's rights; both servers refuse to run with them."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(_account_name())
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _account_name() -> str:
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _folder(name: str) -> Path:
    """A new folder of the server's account, where that account can reach it."""
    identity = _identity()
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if not identity or _is_open_to_all(Path(parent)):
            folder = Path(tempfile.mkdtemp(prefix=f"tasq-{name}-", dir=parent))
            if identity:
                os.chown(folder, identity["user"], identity["group"])
            return folder
    raise ServerUnavailableError("no temporary folder that an ordinary user can reach")


def _is_open_to_all(folder: Path) -> bool:
    chain = [folder.resolve(), *folder.resolve().parents]
    return folder.is_dir() and all(part.stat().st_mode & stat.S_IXOTH for part in chain)


def _free_port() -> int:
    """A free port below the range of outgoing connections, which could take it during a restart.

    Raises:
        ServerUnavailableError: a hundred guesses were all taken.
    """
    for port in random.SystemRandom().sample(range(15000, 30000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerUnavailableError("no free port")


def _children(pid: int) -> list[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = (line.split() for line in listing.splitlines())
    return [int(child) for child, parent in pairs if int(parent) == pid]
