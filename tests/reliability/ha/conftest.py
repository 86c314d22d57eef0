"""Poolers, pairs and clusters: servers that hand over to each other. `make test-ha` runs them.

The longer run: `TASQ_TEST_HA_TASKS=20000`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.fleet import Fleet
from tests.support import require
from tests.support.databases import Database
from tests.support.galera import GaleraCluster, GaleraNode, galera_cluster
from tests.support.servers import ServerUnavailableError

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            for mark in (pytest.mark.ha, pytest.mark.serial, pytest.mark.slow):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def _cluster() -> Iterator[GaleraCluster]:
    try:
        with galera_cluster() as cluster:
            yield cluster
    except ServerUnavailableError as error:
        require.missing(GaleraNode.name, str(error))


@pytest.fixture
def cluster(_cluster: GaleraCluster) -> GaleraCluster:
    """Three Galera nodes, all there when the test begins; it may stop, kill and isolate them."""
    _cluster.repair()
    return _cluster


@pytest.fixture
def galera_fleet(cluster: GaleraCluster, start_worker: Callable[..., Any]) -> Iterator[Fleet]:
    """Workers on a table of the cluster; ours and theirs reach the first node, then the next."""
    database = Database("mysql", cluster.nodes[0].url)
    yield Fleet(database, start_worker)
    cluster.repair()
    database.close()
