from functools import partial

import pytest

from tasq_core import TaskStatus
from tasq_core.errors import (
    InvalidTypeError,
    TaskTypeAlreadyLearnedError,
    TaskTypeNotFoundError,
)
from tests.support.wait import wait_until


def test_a_type_is_learned_once_unless_overridden(new_consumer):
    consumer = new_consumer()
    consumer.learn("email", print)
    with pytest.raises(TaskTypeAlreadyLearnedError, match="'email'"):
        consumer.learn("email", print)
    consumer.learn("email", len, override=True)


def test_the_decorator_learns_and_returns_the_function(new_consumer):
    consumer = new_consumer()

    @consumer.handler("email")
    def send(task):
        return "sent"

    assert send(None) == "sent"
    with pytest.raises(TaskTypeAlreadyLearnedError):
        consumer.handler("email")(send)


def test_what_cannot_be_called_is_no_handler(new_consumer):
    with pytest.raises(InvalidTypeError):
        new_consumer().learn("email", "send")


def generator(task):
    yield task


async def async_generator(task):
    yield task


class Yields:
    def __call__(self, task):
        yield task


@pytest.mark.parametrize("handler", [generator, async_generator, partial(generator), Yields()])
def test_a_generator_function_is_no_handler(new_consumer, handler):
    """Calling it runs nothing: its tasks would all be SUCCESSFUL, and none of them done."""
    with pytest.raises(InvalidTypeError, match="'email' is a generator function"):
        new_consumer().learn("email", handler)


@pytest.mark.parametrize("function", [generator, async_generator])
def test_a_returned_generator_is_a_failure(start, submit, wait_for_status, function):
    """A plain function may hide one, as a decorator does."""
    task = submit(max_receives=1)
    start(lambda task: function(task))  # noqa: PLW0108 - hides what it is
    row = wait_for_status(task, TaskStatus.FAILED)
    assert "returned a generator" in row.last_error


def test_forgetting_an_unknown_type_is_an_error_that_names_the_known(new_consumer):
    consumer = new_consumer()
    consumer.learn("email", print)
    with pytest.raises(TaskTypeNotFoundError, match="'email'"):
        consumer.forget("fax")


def test_a_task_whose_handler_was_forgotten_after_the_claim_is_released(
    new_consumer, submit, store
):
    task = submit()
    consumer = new_consumer()
    consumer.learn("email", print)
    consumer.start()
    job = next(consumer.channel())
    consumer.forget("email")
    job()
    row = wait_until(lambda: _new(store, task))
    assert row.receive_count == 0
    assert row.last_error is None


def test_a_type_learned_while_running_is_claimed_at_once(
    new_consumer, run, submit, wait_for_status
):
    task = submit()
    consumer = new_consumer(poll_interval=30, visibility_timeout=60)
    run(consumer)
    consumer.learn("email", lambda task: None)
    wait_for_status(task, TaskStatus.SUCCESSFUL)


def test_only_learned_types_and_chosen_queues_are_claimed(start, submit, wait_for_status, store):
    other_type, other_queue = submit(type="fax"), submit(queue="mail")
    task = submit()
    start(lambda task: None)
    wait_for_status(task, TaskStatus.SUCCESSFUL)
    rows = store.get_tasks([other_type.id, other_queue.id])
    assert [row.receive_count for row in rows] == [0, 0]


def test_every_queue_is_claimed_where_queues_are_none(start, submit, wait_for_status):
    task = submit(queue="far away")
    start(lambda task: None, queues=None)
    wait_for_status(task, TaskStatus.SUCCESSFUL)


def _new(store, task):
    (row,) = store.get_tasks([task.id])
    return row if row.status is TaskStatus.NEW else None
