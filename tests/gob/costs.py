"""What the bombs cost in a process of their own, apart from the memory of all other tests.

`python -m tests.gob.costs` prints, as JSON, seconds of that process for a megabyte of each
bomb and reader.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from tasq_core.args import gob
from tasq_core.errors import ArgsDecodeError
from tests.gob import bombs

MAX_SECONDS = 0.1
READERS = {"decode": gob.decode, "inspect": gob.inspect}


def cost(read: Callable[[bytes], object], bomb: bytes) -> float:
    """The least of three tries; the first that is fast enough will do."""
    megabytes = max(1.0, len(bomb) / bombs.SIZE)
    best = float("inf")
    for _ in range(3):
        best = min(best, _seconds(read, bomb) / megabytes)
        if best < MAX_SECONDS:
            break
    return best


def _seconds(read: Callable[[bytes], object], data: bytes) -> float:
    gc.collect()
    start = time.process_time()
    with suppress(ArgsDecodeError):
        read(data)
    return time.process_time() - start


def main() -> None:
    found = {
        f"{name}-{reader}": cost(read, bomb)
        for name, bomb in bombs.bombs()
        for reader, read in READERS.items()
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
