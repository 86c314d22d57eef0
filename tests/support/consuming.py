"""Consumers that run in a thread of the test, and are gone when it ends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasq_core import Client, Consumer
from tests.support.wait import wait_until

QUICK = {"poll_interval": 0.5, "visibility_timeout": 15, "retry_backoff": 0}


@contextmanager
def consuming(client: Client, workers: int = 4, **options: Any) -> Iterator[Consumer]:
    """A consumer of `client` that runs; the handlers are learned inside the block."""
    consumer = client.new_consumer(**(QUICK | options))
    thread = threading.Thread(target=consumer.run, args=(workers,), daemon=True)
    thread.start()
    wait_until(lambda: consumer.running)
    try:
        yield consumer
    finally:
        if consumer.running:
            consumer.stop(timeout=0)
        thread.join(20)
        assert not thread.is_alive(), "the consumer did not stop"
