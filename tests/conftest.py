"""Fixtures for all tests: a clean environment, and each database a test may ask for.

A test that takes `database`, `repository` or `client` runs once per backend. To run it on
some only: `@pytest.mark.parametrize("backend", ["postgres"], indirect=True)`.
Tests that stop or kill a server take `private_postgres`, `private_mysql` or, for both,
`private_database`: servers that the other tests don't use, running when the test begins.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.register_assert_rewrite("tests.support")

from tests.support import require  # noqa: E402 - after its assertions are made to speak
from tests.support.databases import BACKENDS, Database, external_url  # noqa: E402
from tests.support.pooler import PgBouncer  # noqa: E402
from tests.support.processes import Process  # noqa: E402
from tests.support.programs import ServerUnavailableError  # noqa: E402
from tests.support.recycled import Recycled  # noqa: E402
from tests.support.servers import MariaDBServer, PostgresServer, Server  # noqa: E402
from tests.support.shared import Address, folder_of, shared_address  # noqa: E402

if TYPE_CHECKING:
    from tasq_core import Client
    from tasq_core.repository.protocol import Repository

_PLUGINS = ("reporting", "shared", "quick", "garbage")
pytest_plugins = [f"tests.support.{name}" for name in _PLUGINS]

_FOREIGN = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "TMUX")

for _name in [*os.environ]:
    if _name in _FOREIGN or (_name.startswith("TASQ_") and not _name.startswith("TASQ_TEST_")):
        del os.environ[_name]
os.environ |= {"TZ": "UTC", "TEXTUAL_ANIMATIONS": "none", "TERM": "xterm-256color"}
time.tzset()


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the user's profiles or writes to their trash."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ".state"))


def _started(server: type[Server]) -> Iterator[Server]:
    try:
        running = server()
    except ServerUnavailableError as error:
        require.missing(server.name, str(error))
    with running:
        yield running


def _shared(server: type[Server], config: pytest.Config) -> Iterator[Address]:
    """The server of all tests that break nothing: one a run, whatever the number of workers."""
    folder = folder_of(config)
    if folder is None:
        for running in _started(server):
            yield Address(running.url)
        return
    try:
        address = shared_address(folder, server)
    except ServerUnavailableError as error:
        require.missing(server.name, str(error))
    yield address


@pytest.fixture(scope="session")
def _shared_postgres(pytestconfig: pytest.Config) -> Iterator[Address]:
    yield from _shared(PostgresServer, pytestconfig)


@pytest.fixture(scope="session")
def _shared_mysql(pytestconfig: pytest.Config) -> Iterator[Address]:
    yield from _shared(MariaDBServer, pytestconfig)


@pytest.fixture(scope="session")
def _breakable_postgres() -> Iterator[Server]:
    yield from _started(PostgresServer)


@pytest.fixture(scope="session")
def _breakable_mysql() -> Iterator[Server]:
    yield from _started(MariaDBServer)


@pytest.fixture
def private_postgres(_breakable_postgres: Server) -> Server:
    """A PostgreSQL that this test may stop, kill and restart."""
    _breakable_postgres.start()
    return _breakable_postgres


@pytest.fixture
def private_mysql(_breakable_mysql: Server) -> Server:
    """A MariaDB that this test may stop, kill and restart."""
    _breakable_mysql.start()
    return _breakable_mysql


@pytest.fixture(params=["postgres", "mysql"])
def private_backend(request: pytest.FixtureRequest) -> str:
    """The backends that have a server to break."""
    return request.param


@pytest.fixture
def private_database(private_backend: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database on a server that this test may break: `private_database.server`."""
    server: Server = request.getfixturevalue(f"private_{private_backend}")
    database = Database(private_backend, server.url, server=server)
    yield database
    server.start()
    database.close()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The kinds of database that tasq speaks to."""
    return request.param


@pytest.fixture
def database(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database; no table yet under its prefix, or with `repository` migrated ones."""
    if backend == "sqlite":
        database = Database.in_file(tmp_path / "tasq.db")
        yield database
        database.close()
        return
    url = external_url(backend) or request.getfixturevalue(f"_shared_{backend}").url
    recycled = Recycled(backend, url, request.fixturenames)
    database = Database(backend, url, recycled.prefix, keeps=True)
    yield database
    recycled.close(database)


@pytest.fixture(params=["transaction"])
def pooled(database: Database, request: pytest.FixtureRequest) -> Iterator[Database]:
    """The PostgreSQL of `database` through a PgBouncer of its own, in transaction mode."""
    try:
        pooler = PgBouncer(database.url, request.param)
    except ServerUnavailableError as error:
        require.missing(PgBouncer.name, str(error))
    with pooler:
        through = Database(database.backend, pooler.url, database.prefix)
        yield through
        through.close_connections()


@pytest.fixture
def repository(database: Database) -> "Repository":
    """A repository on `database`, migrated."""
    repository = database.open()
    repository.migrate()
    return repository


@pytest.fixture
def client(database: Database) -> "Client":
    """A client on `database`, migrated."""
    client = database.client()
    client.migrate()
    return client


@pytest.fixture
def start_process() -> Iterator[Callable[..., Process]]:
    """Starts processes (arguments as of `Process`) that don't outlive the test."""
    with ExitStack() as started:

        def start(*command: str, **options: Any) -> Process:
            process = Process(command, **options)
            started.callback(process.close)
            return process

        yield start
