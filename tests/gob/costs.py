"""What the bombs cost, each in a process of its own that has done nothing else.

`python -m tests.gob.costs` prints, as JSON by bomb and reader, the seconds of processor time and
the bytes of memory that it takes to read one.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from tasq_core.args import gob
from tasq_core.errors import ArgsDecodeError
from tests.gob import bombs

MAX_SECONDS = 0.1
READERS: dict[str, Callable[[bytes], object]] = {"decode": gob.decode, "inspect": gob.inspect}
STATUS = Path("/proc/self/status")
"""Where Linux tells how much memory a process has, and had at most."""


def cost(read: Callable[[bytes], object], bomb: bytes) -> bytes:
    """JSON of the bytes that the first try takes, and the seconds a megabyte of the least of three.

    The first try that is fast enough is the last. The memory is all that the process gets from
    the system: counting each object's, as tracemalloc does, takes ten times as long as reading.
    """
    megabytes = max(1.0, len(bomb) / bombs.SIZE)
    before = _memory("VmSize")
    seconds = _seconds(read, bomb)
    taken = _memory("VmPeak") - before
    for _ in range(2):
        if seconds / megabytes >= MAX_SECONDS:
            seconds = min(seconds, _seconds(read, bomb))
    return json.dumps({"bytes": taken, "seconds": seconds / megabytes}).encode()


def _seconds(read: Callable[[bytes], object], data: bytes) -> float:
    gc.collect()
    start = time.process_time()
    with suppress(ArgsDecodeError):
        read(data)
    return time.process_time() - start


def _memory(name: str) -> int:
    """Bytes; a fork's peak is its own. 0 where the system doesn't tell."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _in_a_fork(call: Callable[[], bytes]) -> bytes:
    """What `call` returns; the memory that it has freed is not here to be used again."""
    source, sink = os.pipe()
    if os.fork() == 0:
        try:
            os.close(source)
            with os.fdopen(sink, "wb") as pipe:
                pipe.write(call())
        finally:
            os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as pipe:
        answer = pipe.read()
    os.wait()
    return answer


def main() -> None:
    found: dict[str, Any] = {}
    for name, make in bombs.BOMBS.items():
        bomb = _in_a_fork(make)
        for reader, read in READERS.items():
            found[f"{name}-{reader}"] = json.loads(_in_a_fork(partial(cost, read, bomb)))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
