"""Servers that take no writes: a replica, a primary that is demoted, one host of several."""

import pytest

from tasq_core import ReadOnlyError, connect, open_repository
from tests.support import require
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.servers import MariaDBServer, PostgresServer, ServerUnavailableError
from tests.support.wait import wait_until

_SERVERS = {"postgres": PostgresServer, "mysql": MariaDBServer}


@pytest.fixture
def two_servers(private_database):
    """The same table on two servers that know nothing of each other, for an ordinary account."""
    backend = private_database.backend
    try:
        server = _SERVERS[backend]()
    except ServerUnavailableError as error:
        require.missing(backend, str(error))
    with server:
        places = [private_database, Database(backend, server.url, private_database.prefix)]
        for place in places:
            place.open().migrate()
            if backend == "mysql":
                place.execute("CREATE OR REPLACE USER app@'%' IDENTIFIED BY 'app'")
                place.execute("GRANT ALL ON tasq.* TO app@'%'")
            else:
                place.execute("CREATE ROLE app LOGIN PASSWORD 'app'")
                place.execute("SET default_transaction_read_only = off")
                place.execute(f"GRANT ALL ON {place.table} TO app")
        yield places
        set_read_only(places[0], False)
        if backend == "postgres":
            places[0].execute(f"REVOKE ALL ON {places[0].table} FROM app")
            places[0].execute("DROP ROLE app")
        places[1].close()


def set_read_only(place, on):
    """As a failover by hand demotes a primary: its connections stay."""
    if place.backend == "mysql":
        place.execute(f"SET GLOBAL read_only = {int(on)}")
        return
    place.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
    place.execute("SELECT pg_reload_conf()")

    def is_known() -> bool:
        with place.connect(autocommit=True) as session:
            (shown,) = session.execute("SHOW default_transaction_read_only").fetchone()
        return shown == ("on" if on else "off")

    wait_until(is_known)


def url_of_both(places):
    hosts = ",".join(place.url.rpartition("@")[2].partition("/")[0] for place in places)
    if places[0].backend == "mysql":
        return f"mysql://app:app@{hosts}/tasq"
    return f"postgresql://app:app@{hosts}/postgres?target_session_attrs=read-write"


def test_of_several_hosts_the_one_that_takes_writes_is_used(two_servers, outcome):
    """A demoted primary keeps its connections: each write failed until the process ended."""
    first, second = two_servers
    table = open_repository(url_of_both(two_servers), first.prefix)

    def counts():
        sql = f"SELECT count(*) FROM {first.table}"
        return [place.execute(sql)[0][0] for place in two_servers]

    table.submit_task(make_task())
    assert counts() == [1, 0]
    set_read_only(first, True)

    def is_left() -> bool:  # a session of PostgreSQL's hears of a new setting in a moment
        table.submit_task(make_task())
        return counts()[1] == 1

    wait_until(is_left)
    before, _ = counts()
    for _ in range(3):
        table.submit_task(make_task())
    assert counts() == [before, 4]
    table.close()
    again = open_repository(url_of_both(two_servers), first.prefix)
    assert len(again.poll_tasks("email", "mail", 30)) == 4
    again.close()
    if first.backend == "mysql":
        set_read_only(second, True)
        reading = open_repository(url_of_both(two_servers), first.prefix)
        assert reading.count_tasks(None, None, None) == before
        reading.close()
    outcome("the connection to the demoted host was given up, the next host served")


def test_a_server_that_takes_no_writes_is_refused_by_a_consumer(two_servers):
    """It tried to claim for ever, and its log spoke of an UPDATE."""
    first, _ = two_servers
    set_read_only(first, True)
    account = "mysql://app:app@" if first.backend == "mysql" else "postgresql://app:app@"
    with connect(account + first.url.rpartition("@")[2], prefix=first.prefix) as client:
        consumer = client.new_consumer()
        consumer.learn("email", print)
        for _ in range(2):
            with pytest.raises(ReadOnlyError, match="the primary and not a standby"):
                consumer.start()
            assert not consumer.running
        set_read_only(first, False)
        consumer.start()
        consumer.stop()
        assert consumer.wait(30)
