import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tasq_core import TaskStatus
from tests.support.processes import Process
from tests.support.wait import wait_until

PROGRAM = """
import sys, time
import tasq_core as tasq
client = tasq.connect(sys.argv[1])
consumer = client.new_consumer(poll_interval=0.05, max_active_tasks=6)
@consumer.handler("email")
def send(task):
    print("began", flush=True)
    while consumer.running:
        time.sleep(0.01)
    print("stopping", flush=True)
    time.sleep(float(sys.argv[2]))
consumer.run(workers=2)
client.close()
print("returned", flush=True)
"""


@pytest.fixture
def program(tmp_path: Path, store, start_process) -> Callable[[float], Process]:
    def start(seconds: float) -> Process:
        url = f"sqlite:///{tmp_path / 'tasks.db'}"
        process = start_process(sys.executable, "-c", PROGRAM, url, str(seconds))
        wait_until(lambda: process.stdout.count("began") == 2, 20, lambda: process.stderr)
        return process

    return start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_consumer_and_run_returns(program, submit, store, number):
    for _ in range(6):
        submit()
    process = program(0.3)
    process.signal(number)
    wait_until(lambda: process.returncode is not None, 20)
    assert (process.returncode, "returned" in process.stdout) == (0, True), process.stderr
    assert store.count_tasks("SUCCESSFUL", None, None) == 2
    rows = store.scan_tasks([TaskStatus.NEW], None, None)
    assert [row.receive_count for row in rows] == [0] * 4


def test_a_second_signal_ends_the_process_at_once(program, submit, store):
    for _ in range(2):
        submit()
    process = program(60)
    process.signal(signal.SIGTERM)
    process.wait_for_output("stopping")
    process.signal(signal.SIGTERM)
    wait_until(lambda: process.returncode is not None, 10)
    assert process.returncode == -signal.SIGTERM
    assert store.count_tasks("SUCCESSFUL", None, None) == 0


def test_run_restores_the_handlers_of_signals(new_consumer, submit):
    submit()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    consumer = new_consumer()
    consumer.learn("email", lambda task: consumer.stop())
    consumer.run(workers=1)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
