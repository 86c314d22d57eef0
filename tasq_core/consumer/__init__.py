"""The consumer: claims tasks, keeps their leases, runs handlers, records outcomes."""

from tasq_core.consumer.backoff import RetryPolicy, exponential
from tasq_core.consumer.channel import Channel
from tasq_core.consumer.consumer import Consumer
from tasq_core.consumer.decisions import Discard, Retry, Snooze
from tasq_core.consumer.failure_hooks import Failure
from tasq_core.consumer.handlers import Handler
from tasq_core.consumer.job import Job
from tasq_core.consumer.options import ConsumerOptions, OptionChanges

__all__ = [
    "Channel",
    "Consumer",
    "ConsumerOptions",
    "Discard",
    "Failure",
    "Handler",
    "Job",
    "OptionChanges",
    "Retry",
    "RetryPolicy",
    "Snooze",
    "exponential",
]
