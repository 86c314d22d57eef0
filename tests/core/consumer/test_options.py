import logging
from datetime import timedelta

import pytest

from tasq_core import Consumer, ConsumerOptions, Ordering, PollStrategy
from tasq_core.consumer import exponential
from tasq_core.errors import (
    ConsumerAlreadyRunningError,
    InvalidInputError,
    InvalidTypeError,
    UnknownPollStrategyError,
    VisibilityTimeoutTooShortError,
)


def test_the_defaults_are_those_of_go():
    options = ConsumerOptions()
    assert options.auto_delete_on_success is False
    assert options.channel_size == 10
    assert options.max_active_tasks == 10
    assert options.poll_interval == 5
    assert options.poll_limit == 10
    assert options.poll_strategy is PollStrategy.BY_CREATED_AT
    assert options.queues == ("",)
    assert options.visibility_timeout == 15


def test_the_chain_and_the_keywords_make_the_same_options(store):
    logger = logging.getLogger("test")
    chained = (
        Consumer(store)
        .with_auto_delete_on_success()
        .with_channel_size(3)
        .with_job_timeout(timedelta(seconds=9))
        .with_logger(logger)
        .with_max_active_tasks(4)
        .with_poll_interval(timedelta(milliseconds=500))
        .with_poll_limit(5)
        .with_poll_strategy("pollByPriority")
        .with_queues("a", "b")
        .with_retry_backoff(2)
        .with_visibility_timeout(7)
    )
    keywords = Consumer(
        store,
        auto_delete_on_success=True,
        channel_size=3,
        job_timeout=9,
        logger=logger,
        max_active_tasks=4,
        poll_interval=0.5,
        poll_limit=5,
        poll_strategy=PollStrategy.BY_PRIORITY,
        queues=["a", "b"],
        retry_backoff=2,
        visibility_timeout=timedelta(seconds=7),
    )
    assert chained.options == keywords.options
    assert chained.options.ordering is Ordering.PRIORITY_FIRST


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"channel_size": 0}, InvalidInputError, "channel_size 0"),
        ({"max_active_tasks": -1}, InvalidInputError, "max_active_tasks -1"),
        ({"poll_limit": 1.5}, InvalidTypeError, "poll_limit"),
        ({"poll_interval": 0}, InvalidInputError, "poll_interval 0"),
        ({"visibility_timeout": "15"}, InvalidTypeError, "visibility_timeout"),
        ({"auto_delete_on_success": 1}, InvalidTypeError, "auto_delete_on_success"),
        ({"queues": []}, InvalidInputError, "queues"),
        ({"queues": [1]}, InvalidTypeError, "queues"),
        ({"retry_backoff": "soon"}, InvalidTypeError, "retry_backoff"),
        ({"retry_backoff": -1}, InvalidInputError, "retry_backoff"),
        ({"job_timeout": 0}, InvalidInputError, "job_timeout"),
        ({"logger": print}, InvalidTypeError, "logger"),
        ({"poll_strategy": "newest"}, UnknownPollStrategyError, "newest"),
        ({"pol_limit": 3}, InvalidTypeError, "pol_limit"),
    ],
)
def test_a_bad_option_is_refused_by_name(store, change, error, words):
    with pytest.raises(error, match=words):
        Consumer(store, **change)


def test_no_queues_are_refused_by_the_chain(store):
    with pytest.raises(InvalidInputError, match="at least one queue"):
        Consumer(store).with_queues()


def test_an_unknown_strategy_is_refused_by_the_chain(store):
    with pytest.raises(UnknownPollStrategyError):
        Consumer(store).with_poll_strategy("newest")


def test_a_visibility_timeout_within_the_poll_interval_is_refused_at_start(store):
    consumer = Consumer(store, poll_interval=5, visibility_timeout=5)
    with pytest.raises(VisibilityTimeoutTooShortError, match="longer than"):
        consumer.start()
    with pytest.raises(VisibilityTimeoutTooShortError):
        consumer.run()
    assert not consumer.running


def test_options_are_refused_once_started(new_consumer):
    consumer = new_consumer()
    consumer.start()
    with pytest.raises(ConsumerAlreadyRunningError):
        consumer.with_poll_limit(3)


def test_feeding_workers_raises_only_what_was_left_at_its_default():
    fed = ConsumerOptions().changed(poll_limit=10).feeding(8)
    assert fed.poll_limit == 10
    assert fed.max_active_tasks > 100
    assert fed.channel_size > 100


def test_exponential_grows_with_the_receives_up_to_its_cap(submit):
    policy = exponential(base=2, factor=3, cap=timedelta(seconds=50), jitter=0)
    task = submit()
    delays = []
    for task.receive_count in (1, 2, 3, 4, 10_000):
        delays.append(policy(task, ValueError()))
    assert delays == [2, 6, 18, 50, 50]


def test_exponential_jitter_stays_within_its_share(submit):
    policy = exponential(base=10, jitter=0.2)
    task = submit(receive_count=1)
    assert all(8 <= policy(task, ValueError()) <= 12 for _ in range(100))


@pytest.mark.parametrize("bad", [{"factor": 0.5}, {"jitter": 2}, {"base": -1}])
def test_exponential_refuses_what_makes_no_delay(bad):
    with pytest.raises(InvalidInputError):
        exponential(**bad)
