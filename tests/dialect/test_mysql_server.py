"""What MySQL's and MariaDB's servers and clusters ask of a client."""

import ssl
from itertools import count
from typing import Any

import pymysql
import pytest

from tasq_core import InvalidInputError, Repository, RepositoryUnavailableError
from tests.support.builders import make_task
from tests.support.databases import Database

pytestmark = pytest.mark.parametrize("backend", ["mysql"], indirect=True)


def test_reads_wait_for_what_other_nodes_of_a_cluster_committed(
    repository: Repository, database: Database
):
    """Behind a balancer a task ran twice: a node that lagged gave it out again."""
    driver: Any = repository._driver
    if repository.dialect == "mysql":
        pytest.skip("only MariaDB's clusters lag behind a commit of another node")
    with driver.read() as session:
        assert session.rows("SELECT @@SESSION.wsrep_sync_wait", {}) == [(7,)]


def test_a_session_that_its_client_lost_ends_in_seconds(repository: Repository):
    """Rows that its transaction locked stay out of every consumer's reach until it ends."""
    driver: Any = repository._driver
    timeout = "wait_timeout" if repository.dialect == "mysql" else "idle_transaction_timeout"
    with driver.read() as session:
        ((seconds,),) = session.rows(f"SELECT @@SESSION.{timeout}", {})
    assert 0 < seconds <= 20


def test_conflicts_between_nodes_are_retried_longer_than_eight_times(repository: Repository):
    """Galera answers 1213 at the commit, many times in a row where nodes share a queue."""
    tried = count(1)

    def work(session: Any) -> int:
        if next(tried) < 15:
            raise pymysql.OperationalError(1213, "Deadlock: wsrep aborted transaction")
        return len(session.rows("SELECT 1", {}))

    run: Any = repository._run
    assert run(work, "transaction") == 1


def test_a_node_without_its_cluster_counts_as_unreachable(repository: Repository):
    """Consumers wait for it to come back, and the command exits with "cannot connect"."""

    def work(session: Any) -> int:
        raise pymysql.OperationalError(1047, "WSREP has not yet prepared node for application use")

    run: Any = repository._run
    with pytest.raises(RepositoryUnavailableError, match="can't use"):
        run(work, "read")


@pytest.mark.parametrize("many", [False, True])
def test_arguments_that_no_packet_holds_are_refused_with_the_limit(
    repository: Repository, database: Database, many: bool
):
    """The server hung up on them, which was taken for an outage and tried again."""
    ((limit,),) = database.execute("SELECT @@max_allowed_packet")
    huge = make_task(args=bytes(int(limit)))
    with pytest.raises(InvalidInputError, match=f"max_allowed_packet is {limit}"):
        repository.submit_tasks([make_task(), huge]) if many else repository.submit_task(huge)
    assert repository.count_tasks(None, None, None) == 0
    # PyMySQL spells bytes in hexadecimal: half of the packet is what arguments may take.
    fits = repository.submit_task(make_task(args=b"x" * (int(limit) // 4)))
    assert repository.sizes([fits.id]) == {fits.id: int(limit) // 4}


def test_connections_make_no_tls_context_each(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """Reading the system's certificates took 30 ms of CPU for each connection."""
    driver: Any = repository._driver
    driver.connect().close()
    made: list[object] = []
    monkeypatch.setattr(ssl, "create_default_context", made.append)
    for _ in range(3):
        driver.connect().close()
    assert made == []
