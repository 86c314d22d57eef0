"""The guide to a stuck queue: every command runs, and every rule of health is explained."""

import re
from datetime import timedelta

import pytest

import tasq_core
from tasq_core.fleet.health import RULES
from tests.docs.blocks import DOCS, blocks
from tests.support.processes import python
from tests.support.wait import wait_until

_PAGE = DOCS / "guides" / "stuck.md"
_CODE = """\
import tasq_core as tasq
client = tasq.connect("sqlite:///tasks.db")
consumer = client.new_consumer(name="mailer-1", queues=None, poll_interval=0.2)
consumer.learn("webhook", lambda task: None)
consumer.run(workers=2)
"""


def test_each_rule_of_health_is_explained():
    """Who looks a finding up at night finds nothing."""
    explained = re.findall(r"^\| `(\w+)` \|", _PAGE.read_text(), re.MULTILINE)

    assert explained == [rule.__name__ for rule in RULES]


@pytest.mark.slow
def test_the_guides_commands_run_in_their_order(tmp_path, shell, start_process):
    client = tasq_core.connect(f"sqlite:///{tmp_path}/tasks.db")
    client.migrate()
    _fill(client)
    failed = next(iter(client.new_inspector().scan(tasq_core.TaskStatus.FAILED)))
    (tmp_path / "worker.py").write_text(_CODE)
    worker = start_process(*python("worker.py"), cwd=tmp_path)
    wait_until(lambda: client.new_inspector().consumers(), 20, lambda: str(worker))

    done = {}
    for block in blocks(_PAGE):
        assert block.language == "sh"
        for line in block.lines:
            ran = shell(line.replace(" ID", f" {failed.id}"))
            assert ran.returncode in ({0, 8} if line == "tasq health" else {0}), (line, ran)
            done[line] = ran.stdout + ran.stderr
    assert "requeue it to run it again" in done["tasq show ID"]
    assert "mailer-1" in done["tasq fleet"]
    assert "ConnectionError" in done["tasq errors --where 'finished:<1h'"]
    assert "def test_" in (tmp_path / "test_it.py").read_text()
    # Pausing stopped nothing for good: the canary ran, and all that had failed is on its way.
    assert client.new_inspector().count(where="status:failed type:webhook") == 0
    assert client.new_inspector().count(where="queue:urgent") == 5


def _fill(client: tasq_core.Client) -> None:
    now = client.repository.now()
    failed = [
        tasq_core.Task.new("webhook", {"n": number}, "hooks", max_receives=1)
        for number in range(30)
    ]
    for task in failed:
        task.status = tasq_core.TaskStatus.FAILED
        task.receive_count = 1
        task.last_error = "ConnectionError: partner"
        task.started_at = task.finished_at = now - timedelta(minutes=1)
    client.repository.restore_tasks(failed)
    producer = client.new_producer()
    for _ in range(5):
        producer.submit("other", {}, queue="bulk")
        producer.submit("newsletter", {})
