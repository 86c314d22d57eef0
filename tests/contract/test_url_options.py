"""What a URL may hold beside its database: several hosts, and the options of `connect`."""

import pytest

from tasq_core import InvalidInputError, ReadOnlyError, open_repository
from tests.support.builders import make_task
from tests.support.databases import Database

on_servers = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)


def beside_a_dead_host(url: str) -> str:
    """`url` with a host before its own where nothing listens."""
    before, _, after = url.rpartition("@")
    return f"{before}@127.0.0.1:1,{after}"


@on_servers
def test_the_next_host_serves_where_the_first_cant_be_reached(database: Database):
    """A failover needed a new configuration: a list of hosts was refused as a bad port."""
    database.open().migrate()
    table = open_repository(beside_a_dead_host(database.url), database.prefix)
    try:
        task = table.submit_task(make_task())
        assert table.get_tasks([task.id]) == [task]
        wakeup = table.open_wakeup()
        assert wakeup is not None
        wakeup.close()
        wakeup.wait(1)
    finally:
        table.close()


@on_servers
def test_a_host_that_refuses_us_ends_the_search(database: Database):
    """A wrong password must not lead to some other database."""
    url = database.url.replace("@", "x@", 1)
    table = open_repository(f"{url.rpartition('/')[0]},127.0.0.1:1/tasq", database.prefix)
    with pytest.raises(Exception, match=r"(?i)password|denied"):
        table.count_tasks(None, None, None)
    table.close()


def test_read_only_in_the_url_is_enforced(database: Database):
    database.open().migrate()
    table = open_repository(f"{database.url}?read_only=true", database.prefix)
    try:
        assert table.count_tasks(None, None, None) == 0
        with pytest.raises(ReadOnlyError):
            table.submit_task(make_task())
    finally:
        table.close()


def test_wake_up_in_the_url_leaves_the_listening_out(database: Database):
    database.open().migrate()
    table = open_repository(f"{database.url}?wake_up=false&pool_size=2", database.prefix)
    assert table.open_wakeup() is None
    table.close()


def test_an_argument_counts_more_than_the_url(database: Database):
    database.open(pool_size=2)
    with pytest.raises(InvalidInputError, match="pool_size"):
        open_repository(f"{database.url}?pool_size=0", database.prefix)
    open_repository(f"{database.url}?pool_size=0", database.prefix, pool_size=1).close()
