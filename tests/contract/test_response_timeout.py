"""`with_response_timeout`: a view that gives up silent connections, over the same pool."""

import threading
from time import monotonic

import pytest

from tasq_core import Repository, RepositoryError, RepositoryUnavailableError, open_repository
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.proxy import proxied

on_servers = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)


@on_servers
def test_only_the_view_gives_up_a_silent_server(repository: Repository, database: Database):
    """Else a half-open network holds a consumer's lease, or cuts a user's long statement."""
    del repository
    with proxied(database.url) as (proxy, url):
        patient = open_repository(url, database.prefix, connect_timeout=2)
        view = patient.with_response_timeout(0.5)
        assert view.count_tasks(None, None, None) == 0
        assert patient.count_tasks(None, None, None) == 0
        counted: list[int] = []
        waiting = threading.Thread(
            target=lambda: counted.append(patient.count_tasks(None, None, None)), daemon=True
        )
        proxy.blackhole()
        waiting.start()
        began = monotonic()
        with pytest.raises(RepositoryUnavailableError):
            view.count_tasks(None, None, None)
        assert monotonic() - began < 8  # a silent statement, then a connection that isn't made
        assert waiting.is_alive()
        proxy.resume()
        waiting.join(20)
        assert counted == [0]
        patient.close()


@on_servers
def test_a_view_takes_its_connections_from_the_same_pool(
    repository: Repository, database: Database
):
    del repository
    with proxied(database.url) as (proxy, url):
        first = open_repository(url, database.prefix)
        first.count_tasks(None, None, None)
        opened = proxy.connections
        for _ in range(3):
            first.with_response_timeout(5).count_tasks(None, None, None)
        assert proxy.connections == opened
        first.close()


def test_a_view_reads_and_writes_the_same_table(repository: Repository):
    view = repository.with_response_timeout(5)
    task = view.submit_task(make_task())
    assert repository.get_tasks([task.id]) == view.get_tasks([task.id]) == [task]
    assert view.table == repository.table


def test_the_former_name_says_its_successor(repository: Repository):
    with pytest.raises(RepositoryError, match="with_response_timeout"):
        repository.answers_within(3)  # type: ignore[attr-defined]
