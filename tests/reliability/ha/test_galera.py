"""MariaDB Galera: three nodes that all take writes, one of them killed, cut off, behind a balancer."""

import json
import os
import threading
from collections import Counter
from uuid import UUID

import pytest

import tasq_core
from tasq_core import RepositoryError, RepositoryUnavailableError
from tests.reliability.network import Balancer
from tests.support.builders import make_task
from tests.support.threads import in_threads
from tests.support.wait import wait_until

pytestmark = pytest.mark.timeout(400)

TASKS = int(os.environ.get("TASQ_TEST_HA_TASKS", "3000"))
LONG = {"visibility_timeout": 60, "poll_interval": 0.2}
"""Leases outlast the kill of a node, so that a task that runs twice is a fault."""
WORK = {"do": "sleep", "seconds": 0}
"""What says that it was called."""


def runs(fleet) -> Counter[str]:
    """How often each task's handler was called."""
    return Counter(event["task"] for event in fleet.events("began"))


def produce(url: str, prefix: str, returned: list[UUID], count: int) -> None:
    """Submit until `count` are acknowledged, each again under its id until one answer says so."""
    with tasq_core.connect(url, prefix=prefix, pool_size=1) as client:
        producer = client.new_producer()
        for _ in range(count):
            task = make_task(type="work", queue="", args=json.dumps(WORK).encode())
            while True:
                try:
                    producer.submit_task(task)
                except RepositoryUnavailableError:
                    threading.Event().wait(0.05)
                else:
                    break
            returned.append(task.id)


def conflicts(cluster) -> int:
    """Transactions that lost to another node's: 1213 at their commit, or in their middle."""
    return cluster.total("wsrep_local_cert_failures") + cluster.total("wsrep_local_bf_aborts")


def test_a_killed_node_loses_nothing_and_runs_nothing_twice(cluster, galera_fleet, outcome):
    """Consumers and producers on each node; one is killed under load and comes back."""
    fleet = galera_fleet
    prefix = fleet.database.prefix
    before = conflicts(cluster)
    returned: list[UUID] = []
    urls = [cluster.url(0), cluster.url(1), cluster.nodes[1].url]
    *others, on_its_own = (fleet.start(threads=4, url=url, options=LONG) for url in urls)
    producers = [
        threading.Thread(target=produce, args=(cluster.url(n), prefix, returned, TASKS // 3))
        for n in range(3)
    ]
    for producer in producers:
        producer.start()
    wait_until(lambda: len(returned) > TASKS // 4, 60)
    met = conflicts(cluster) - before
    cluster.nodes[1].kill()
    for producer in producers:
        producer.join(120)
    assert len(returned) == TASKS // 3 * 3
    fleet.wait_for_count(0, "NEW", timeout=120)
    for worker in others:
        worker.stop()
    cluster.nodes[1].start()
    produce(cluster.url(2), prefix, returned, 100)
    fleet.wait_for_count(len(returned), "SUCCESSFUL", timeout=120)
    on_its_own.stop()

    stored = {task.id for task in fleet.repository.scan_tasks(None, None, None, limit=100_000)}
    assert set(returned) <= stored, "acknowledged tasks are lost"
    again = runs(fleet)
    assert set(again) == {str(id) for id in returned}
    assert [task for task, count in again.items() if count > 1] == []
    assert met > 0, "the nodes never met: nothing was shown about their conflicts"
    assert "1213" not in fleet.said()
    assert "Deadlock" not in fleet.said()
    outcome(
        f"{len(returned)} acknowledged, one of three nodes killed and back: 0 lost, 0 twice;"
        f" {met} conflicts between the nodes until then, none seen"
    )


def test_behind_a_balancer_no_task_runs_twice(cluster, galera_fleet, outcome):
    """376 of 25,000 ran twice: a node that lagged gave out again what another had given out."""
    fleet = galera_fleet
    with Balancer([node.port for node in cluster.nodes]) as balancer:
        url = balancer.url(fleet.database.url)
        tasks = fleet.submit_many(TASKS, **WORK)
        workers = [fleet.start(threads=4, url=url, options=LONG) for _ in range(3)]
        fleet.wait_for_count(len(tasks), "SUCCESSFUL", timeout=180)
        for worker in workers:
            worker.stop()
    count = runs(fleet)
    assert set(count) == {str(task.id) for task in tasks}
    assert set(count.values()) == {1}
    outcome(f"{len(tasks)} tasks by three consumers whose connections lead to any node: 0 twice")


def test_a_node_without_its_cluster_is_named_and_waited_for(cluster, galera_fleet, outcome):
    """It answers, and serves nothing: it was taken for a lock that others hold, for ten seconds."""
    fleet = galera_fleet
    cut_off = cluster.nodes[0]
    alone = fleet.start(url=cut_off.url, options=LONG)
    with_others = fleet.start(url=cluster.url(0), options=LONG)
    cut_off.isolate(True)
    url = fleet.database.url
    for work in ("count_tasks", "migrate"):
        table = tasq_core.open_repository(url, fleet.database.prefix)
        arguments = (None, None, None) if work == "count_tasks" else ()
        with pytest.raises(RepositoryUnavailableError, match=r"Galera node 127\.0\.0\.1:\d+ has"):
            getattr(table, work)(*arguments)
        table.close()
    wait_until(lambda: "has lost the majority of its cluster" in alone.process.stderr, 30)
    returned: list[UUID] = []
    produce(cluster.url(0), fleet.database.prefix, returned, 20)
    wait_until(lambda: len(with_others.events("ended")) == 20, 30, fleet.said)
    assert alone.events("began") == []
    with_others.stop()
    produce(cluster.url(0), fleet.database.prefix, returned, 5)
    cut_off.isolate(False)
    wait_until(lambda: len(alone.events("ended")) == 5, 60, fleet.said)
    alone.stop()
    outcome("named with its address; consumers with more hosts went on, the other when it was back")


def test_migrating_from_all_nodes_at_once_never_fails(cluster):
    """A fifth of the calls raised: the nodes' changes of one table met at their commits."""
    failures: list[RepositoryError] = []
    for turn in range(5):
        prefix = f"m{turn}"

        def migrate(url: str, prefix: str = prefix) -> None:
            table = tasq_core.open_repository(url, prefix)
            try:
                table.migrate()
            except RepositoryError as error:
                failures.append(error)
            finally:
                table.close()

        in_threads(*[lambda n=n: migrate(cluster.nodes[n].url) for n in (0, 1, 2, 0)])
    assert failures == []
