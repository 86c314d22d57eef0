"""Work in several threads at once."""

import threading
from collections.abc import Callable


def in_threads(*works: Callable[[], object], timeout: float = 60.0) -> None:
    """Call each of `works` in a thread of its own, and wait up to `timeout` seconds for each.

    Raises:
        AssertionError: what was raised in any of them, or that one still runs.
    """
    failures: list[BaseException] = []

    def attempt(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=attempt, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    assert failures == []
    assert not any(thread.is_alive() for thread in threads)
