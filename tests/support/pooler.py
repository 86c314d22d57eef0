"""A private PgBouncer before a PostgreSQL server."""

import os
import shutil
import signal
from urllib.parse import unquote, urlsplit

from tests.support.programs import ServerUnavailableError, product
from tests.support.servers import Server


class PgBouncer(Server):
    """A pooler before the server at `upstream`, with few sessions so that clients share them.

    It drops start-up options without a word, as many are configured to do.
    """

    name = "pgbouncer"
    _shutdown = signal.SIGTERM

    def __init__(self, upstream: str, mode: str = "transaction") -> None:
        """Start it.

        Args:
            upstream: the URL of the server.
            mode: "transaction" or "session".

        Raises:
            ServerUnavailableError: there is no such program, or it won't start.
        """
        self._upstream = urlsplit(upstream)
        self._mode = mode
        self._sessions = 3 if mode == "transaction" else 30
        super().__init__()

    @property
    def url(self) -> str:
        parts = self._upstream
        return f"postgresql://{parts.netloc.rpartition('@')[0]}@127.0.0.1:{self.port}{parts.path}"

    @classmethod
    def version(cls) -> str:
        return product([_program(), "--version"])

    @classmethod
    def _require(cls) -> None:
        _program()

    def _initialise(self) -> None:
        upstream = self._upstream
        user, password = unquote(upstream.username or ""), unquote(upstream.password or "")
        users = self._write("users.txt", f'"{user}" "{password}"\n')
        self._write(
            "pgbouncer.ini",
            f"[databases]\n* = host={upstream.hostname} port={upstream.port or 5432}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            f"unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {users}\n"
            f"pool_mode = {self._mode}\ndefault_pool_size = {self._sessions}\n"
            "max_client_conn = 200\nignore_startup_parameters = options,extra_float_digits\n",
        )

    def _command(self) -> list[str]:
        return [_program(), str(self.folder / "pgbouncer.ini")]

    def _connect(self) -> None:
        import psycopg

        psycopg.connect(self.url, connect_timeout=5).close()


def _program() -> str:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    if found := shutil.which("pgbouncer", path=path):
        return found
    raise ServerUnavailableError("no program pgbouncer found; install PgBouncer")
