"""What health says of servers that lag or take no writes, on real ones.

Consumers that are led to such a server claim nothing, and only their logs say so.
"""

import pytest

import tasq_core
from tasq_core.fleet import examination
from tests.support import require
from tests.support.databases import Database
from tests.support.servers import MariaDBServer, PostgresServer, ServerUnavailableError
from tests.support.standby import NAME, PostgresStandby, execute
from tests.support.wait import wait_until

pytestmark = [pytest.mark.ha, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def pair():
    try:
        with PostgresServer() as primary, PostgresStandby(primary) as standby:
            wait_until(lambda: standby.streaming, 30, "the standby to stream")
            yield primary, standby
    except ServerUnavailableError as error:
        require.missing("postgres", str(error))


@pytest.fixture
def mariadb():
    try:
        with MariaDBServer() as server:
            yield server
    except ServerUnavailableError as error:
        require.missing("mysql", str(error))


def test_a_standby_that_lags_is_named_by_its_primary_and_by_itself(pair, monkeypatch):
    primary, standby = pair
    monkeypatch.setattr(examination, "LONG_SECONDS", 1.0)
    with tasq_core.connect(primary.url, prefix="pair") as client:
        client.migrate()
        assert client.health().healthy
        execute(standby, "SELECT pg_wal_replay_pause()")

        def lags():
            client.new_producer().submit("email", 1)
            return client.health().findings

        (found,) = wait_until(lags, 60, interval=0.5)
        assert (found.rule, found.severity) == ("blocked", "warning")
        assert found.subject == f"database, standby {NAME}"
        assert f"{NAME} lags behind by" in found.text

        execute(standby, "SELECT pg_wal_replay_resume()")
        wait_until(lambda: client.health().healthy, 60, interval=0.5)


def test_a_standby_says_that_it_takes_no_writes_unless_only_reading_was_asked_for(pair):
    primary, standby = pair
    with tasq_core.connect(primary.url, prefix="pair") as client:
        client.migrate()
        client.new_producer().submit("email", 1)
    with tasq_core.connect(standby.url, prefix="pair") as client:
        wait_until(lambda: client.new_inspector().has_registry(), 30)
        (found,) = wait_until(lambda: client.health().findings)
    assert (found.rule, found.subject) == ("blocked", "database, this server")
    assert found.text.startswith("it takes no writes (a standby)")
    with tasq_core.connect(standby.url, prefix="pair", read_only=True) as client:
        assert client.health().healthy


def test_a_mariadb_set_read_only_is_named(mariadb):
    database = Database("mysql", mariadb.url)
    with tasq_core.connect(mariadb.url, prefix=database.prefix) as client:
        client.migrate()
        database.execute("SET GLOBAL read_only = ON")
        (found,) = client.health().findings
        assert (found.rule, found.subject) == ("blocked", "database, this server")
        assert "it takes no writes (read_only is on)" in found.text
        with tasq_core.connect(mariadb.url, prefix=database.prefix, read_only=True) as reader:
            assert reader.health().healthy
        database.execute("SET GLOBAL read_only = OFF")
        assert client.health().healthy
    database.close()
