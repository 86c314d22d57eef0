"""What the bombs cost in a process of their own, apart from the memory of all other tests.

`python -m tests.gob.costs` prints, as JSON, seconds of that process for a megabyte of each
bomb and reader. A core that is slow just now is given as much more time as an honest stream
takes on it.
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
HONEST = gob.encode([{"A": number, "B": "x" * 20, "C": [1, 2, 3]} for number in range(5000)])
HONEST_SECONDS = 0.024
"""What decoding `HONEST` takes where a bomb's megabyte may take `MAX_SECONDS`."""


def cost(read: Callable[[bytes], object], bomb: bytes) -> float:
    """The least of five tries; the first that is fast enough will do."""
    megabytes = max(1.0, len(bomb) / bombs.SIZE)
    best = float("inf")
    for _ in range(5):
        found = _seconds(read, bomb) / megabytes
        if found < MAX_SECONDS:
            return found
        best = min(best, found / max(1.0, _seconds(gob.decode, HONEST) / HONEST_SECONDS))
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
