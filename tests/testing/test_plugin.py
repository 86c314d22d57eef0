"""The pytest plugin, as a user's tests have it; it is loaded by its entry point."""

import asyncio
from dataclasses import dataclass

import pytest

import tasq_core as tasq
from tasq_core.args import gob


@dataclass
class Mail:
    to: str


def test_what_is_ready_runs_in_order_and_its_outcomes_are_returned(tasq_client, tasq_drain):
    ran = []

    def send(task):
        ran.append(task.unmarshal_args()["to"])
        if "@" not in ran[-1]:
            raise ValueError(f"no address: {ran[-1]}")

    producer = tasq_client.new_producer()
    for to in ("a@b.c", "nobody"):
        producer.submit("email", {"to": to}, queue="mail", max_receives=1)
    producer.submit("email", {"to": "later@b.c"}, delay=60)
    producer.submit("unknown", None)

    good, bad = tasq_drain({"email": send})

    assert ran == ["a@b.c", "nobody"]
    assert (good.status, good.error, good.task.status) == ("SUCCESSFUL", None, "SUCCESSFUL")
    assert (bad.status, str(bad.error)) == ("FAILED", "no address: nobody")
    assert bad.task.last_error.startswith("ValueError: no address")
    assert bad.task.finished_at >= bad.task.started_at >= bad.task.created_at
    assert tasq_drain({"email": send}) == []


def test_what_was_submitted_is_found_by_type_queue_and_arguments(tasq_client, submitted):
    producer = tasq_client.new_producer()
    first = producer.submit("email", {"to": "a@b.c"}, queue="mail")
    second = producer.submit("email", Mail("x@y.z"))
    third = producer.submit("sms", [1, 2])

    assert [task.id for task in submitted()] == [first.id, second.id, third.id]
    assert [task.id for task in submitted("email", queue="mail")] == [first.id]
    assert [task.id for task in submitted(args={"to": "a@b.c"})] == [first.id]
    assert [task.id for task in submitted("email", args=Mail("x@y.z"))] == [second.id]
    assert [task.id for task in submitted(args=(1, 2))] == [third.id]
    assert submitted("fax") == []


def test_a_consumer_brings_its_middleware_queues_and_backoff(tasq_client, tasq_drain):
    calls = []
    consumer = tasq_client.new_consumer(queues=["mail"], retry_backoff=0)

    @consumer.middleware
    def note(task):
        calls.append("in")
        yield
        calls.append("out")

    @consumer.handler("email")
    def send(task):
        if task.receive_count < 3:
            raise ValueError("again")

    tasq_client.new_producer().submit("email", None, queue="mail")
    tasq_client.new_producer().submit("email", None, queue="other")

    assert [ran.status for ran in tasq_drain(consumer)] == ["NEW", "NEW", "SUCCESSFUL"]
    assert calls == ["in", "in", "in", "out"]


async def test_coroutine_handlers_run_though_the_test_is_on_a_loop_itself(tasq_client, tasq_drain):
    async def send(task):
        await asyncio.sleep(0)
        raise tasq.Discard("no")

    tasq_client.new_producer().submit("email", None)

    [ran] = tasq_drain({"email": send})
    assert (ran.status, ran.task.last_error) == ("FAILED", "no")


def test_what_a_handler_submits_runs_too_and_a_snooze_waits(tasq_client, tasq_drain):
    def parent(task):
        tasq_client.new_producer().submit("child", None)

    def child(task):
        raise tasq.Snooze(60)

    tasq_client.new_producer().submit("parent", None)

    _, snoozed = tasq_drain({"parent": parent, "child": child})
    assert (snoozed.status, snoozed.task.receive_count) == ("NEW", 0)


def test_errors_are_raised_on_request_after_they_are_recorded(tasq_client, tasq_drain, submitted):
    def send(task):
        raise ValueError("no")

    tasq_client.new_producer().submit("email", None, max_receives=1)

    with pytest.raises(ValueError, match="no"):
        tasq_drain({"email": send}, raise_errors=True)
    assert submitted()[0].status == "FAILED"


def test_a_task_that_submits_itself_forever_ends_the_test(tasq_client, tasq_drain, monkeypatch):
    monkeypatch.setattr("tasq_core.testing.drain._MOST", 20)

    def again(task):
        tasq_client.new_producer().submit("again", None)

    tasq_client.new_producer().submit("again", None)
    with pytest.raises(AssertionError, match="20 tasks ran"):
        tasq_drain({"again": again})


def test_what_are_no_handlers_is_refused(tasq_drain):
    with pytest.raises(tasq.InvalidInputError, match="a consumer or a dict"):
        tasq_drain([print])


class TestWithHandlersOfAFixture:
    @pytest.fixture
    def tasq_handlers(self):
        return {"email": lambda task: None}

    def test_they_are_what_runs(self, tasq_client, tasq_drain):
        tasq_client.new_producer().submit("email", tasq.RawArgs(gob.encode({"to": "x"})))

        [ran] = tasq_drain()
        assert ran.status == "SUCCESSFUL"
