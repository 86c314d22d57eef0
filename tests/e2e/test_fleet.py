"""The fleet as an operator sees it: consumers killed, asked and paused by the command alone."""

import json
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import Client
from tasq_core.transfer import iso
from tests.cli.conftest import Tasq
from tests.support.databases import BACKENDS
from tests.support.forked import shared_forker
from tests.support.processes import python
from tests.support.wait import wait_until

CONSUMERS = """
import signal, socket, sys, threading, time
host, *names = sys.argv[3:]
if host:
    socket.gethostname = lambda: host
import tasq_core
client = tasq_core.connect(sys.argv[1], prefix=sys.argv[2])

def stands_here(task):
    time.sleep(120)

consumers = [client.new_consumer(name=name, queues=(name,)) for name in names]
for consumer in consumers:
    consumer.learn("slow", stands_here)
    threading.Thread(target=consumer.run, args=(2,), daemon=True).start()
print("up", flush=True)
signal.pause()
"""

LOGGING_JOBS = """
import os, time
log = os.open("runs.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
def email(task):
    os.write(log, f"{time.time():.3f} {task.queue}\\n".encode())
handlers = {"email": email}
"""

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("backend", BACKENDS, indirect=True)]


@pytest.fixture
def tasq(database, tmp_path):
    return Tasq(database, tmp_path, shared_forker())


@pytest.fixture
def client(database):
    with Client(database.open()) as client:
        client.migrate()
        yield client


def fleet(tasq):
    return {found["name"]: found for found in json.loads(tasq("fleet", "--json").out)}


def test_of_three_consumers_one_is_killed_named_and_started_again(
    tasq, client, database, start_process, *, record_property
):
    """Show 1 and 2: within 15 s one knows which machine to look at, and what it held."""

    def start(host, *names):
        (tasq.folder / "consumers.py").write_text(CONSUMERS)
        arguments = ("consumers.py", database.url, database.prefix, host, *names)
        process = start_process(*python(*arguments), cwd=tasq.folder)
        process.wait_for_output("up")
        return process

    start("", "near-1", "near-2")
    far = start("far-away", "far")
    producer = client.new_producer()
    held = [producer.submit("slow", 1, queue="far") for _ in range(2)]
    near = producer.submit("slow", 1, queue="near-1")
    wait_until(
        lambda: len(fleet(tasq).get("far", {}).get("in_flight", ())) == 2
        and fleet(tasq)["near-1"]["in_flight"], 40, interval=0.2,
    )  # fmt: skip
    assert {name: found["host"] == "far-away" for name, found in fleet(tasq).items()} == {
        "near-1": False, "near-2": False, "far": True,
    }  # fmt: skip
    assert tasq("health").code == 0

    # Just after a heartbeat: the longest that it can take.
    before = fleet(tasq)["far"]["heartbeat_at"]
    inspector = client.new_inspector()
    wait_until(
        lambda: next(iso(c.heartbeat_at) for c in inspector.consumers() if c.name == "far")
        != before, 10, interval=0.02,
    )  # fmt: skip
    far.kill()
    killed = time.monotonic()
    wait_until(lambda: fleet(tasq)["far"]["state"] == "vanished", 30, interval=0.2)
    took = time.monotonic() - killed
    beat = datetime.fromisoformat(fleet(tasq)["far"]["heartbeat_at"])
    record_property("seconds until shown as vanished", round(took, 1))
    assert took < 15
    assert datetime.now(UTC) - beat < timedelta(seconds=30)
    shown = tasq("fleet").out
    assert "far vanished" in shown
    assert all(str(task.id) in shown for task in held)
    assert fleet(tasq)["near-1"]["state"] == fleet(tasq)["near-2"]["state"] == "running"
    ill = tasq("health")
    assert ill.code == 8, ill.out
    assert "consumer far" in ill.out
    assert "on far-away" in ill.out

    stacks = tasq("fleet", "stacks", "near-1")
    assert str(near.id) in stacks.out
    assert "in stands_here" in stacks.out
    assert "time.sleep(120)" in stacks.out

    start("far-away", "far")
    wait_until(lambda: tasq("health").code == 0, 60, lambda: tasq("health").out, interval=0.5)


def test_a_pause_reaches_processes_under_load_and_so_does_a_resume(
    tasq, client, backend, record_property
):
    """Show 3: whoever pauses a queue stops harm that is being done now."""
    heeded = 5.0 if backend == "mysql" else 1.0
    (tasq.folder / "jobs.py").write_text(LOGGING_JOBS)
    work = tasq.start("work", "jobs", "--processes", "2", "--name", "w", "--log", "warning")
    over, producer = threading.Event(), client.new_producer()

    def load():
        while not over.wait(0.01):
            for queue in ("mail", "other"):
                producer.submit("email", 1, queue=queue)

    def runs(queue, since):
        lines = (tasq.folder / "runs.log").read_text().splitlines()
        return [at for at, name in map(str.split, lines) if name == queue and float(at) > since]

    loader = threading.Thread(target=load)
    try:
        wait_until(lambda: len(fleet(tasq)) == 2, 40, lambda: str(work), interval=0.2)
        loader.start()
        wait_until((tasq.folder / "runs.log").exists, 20)
        wait_until(lambda: runs("mail", 0) and runs("other", 0), 20)

        answer = tasq("pause", "--queue", "mail")
        paused = time.time()
        assert "Go's consumers don't know" in answer.err
        wait_until(lambda: len(runs("other", paused + heeded + 1.5)) > 10, 40, interval=0.1)
        late = runs("mail", paused + heeded)
        record_property("seconds from pause to last run", max(map(float, runs("mail", 0))) - paused)
        assert late == []

        tasq("resume", "--queue", "mail")
        resumed = time.time()
        wait_until(lambda: runs("mail", resumed - 1), heeded + 5, interval=0.02)
        first = float(runs("mail", paused + heeded)[0])
        record_property("seconds from resume to first run", first - resumed)
    finally:
        over.set()
        if loader.is_alive():
            loader.join()
        work.signal(signal.SIGTERM)
        work.wait(30)
        work.close()
