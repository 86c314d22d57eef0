"""The collector of garbage looks at what tests make, and at that more rarely.

A quarter of the processor time of the app's tests went into looking through modules, test items
and parsed style sheets, none of which is ever garbage.
"""

import gc

_THRESHOLDS = (20_000, 20, 10)


def pytest_configure() -> None:
    """Collecting tests makes little garbage and much that stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave out what is there before the first test."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
