"""tasq where it polls much and finds little: many queues and types, a consumer of any queue."""

import threading
import time

import psutil

import tasq_core
from benchmarks.contenders import WORKERS

LIMIT = 10
WARM_POLLS = 3
LEASE_SECONDS = 3600.0
SETTLING_SECONDS = 15.0
"""From the start of an idle consumer, which looks at everything once, to the measurement."""


def poll_times(
    url: str,
    prefix: str,
    *,
    queues: list[str],
    types: list[str],
    ordering: str,
    count: int,
    finds: int,
) -> list[float]:
    """Milliseconds of each of `count` polls of 10 tasks, of which each finds `finds`."""
    with tasq_core.connect(url, prefix=prefix) as client:
        taken = [
            _poll(client.repository, queues, types, ordering, finds)
            for _ in range(count + WARM_POLLS)
        ]
    return taken[WARM_POLLS:]


def poll_for(url: str, prefix: str, types: list[str], seconds: float) -> list[float]:
    """Milliseconds of each poll of any queue, one after the other for `seconds`."""
    taken: list[float] = []
    with tasq_core.connect(url, prefix=prefix) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            taken.append(_poll(client.repository, None, types, "CREATED_AT_FIRST", LIMIT))
    return taken


def _poll(
    repository: tasq_core.Repository,
    queues: list[str] | None,
    types: list[str],
    ordering: str,
    finds: int,
) -> float:
    start = time.perf_counter()
    tasks = repository.poll_tasks(types, queues, LEASE_SECONDS, ordering, LIMIT)
    taken = (time.perf_counter() - start) * 1000
    if len(tasks) != finds:
        raise RuntimeError(f"a poll found {len(tasks)} tasks instead of {finds}")
    return taken


def drain_any(url: str, prefix: str, types: list[str], count: int, seconds: float) -> float:
    """Tasks a second of a consumer of any queue, until `count` ran or `seconds` passed."""
    ran: list[float] = []
    with tasq_core.connect(url, prefix=prefix) as client:
        consumer = client.new_consumer(queues=None)

        def handle(_: tasq_core.Task) -> None:
            ran.append(time.monotonic())
            if len(ran) == count:
                ended.set()

        for type in types:
            consumer.learn(type, handle)
        ended = threading.Event()
        start = time.monotonic()
        threading.Thread(target=lambda: (ended.wait(seconds), consumer.stop())).start()
        consumer.run(workers=WORKERS)
    return len(ran) / (ran[-1] - start) if ran else 0.0


def idle_cost(url: str, prefix: str, types: list[str], seconds: float) -> list[float]:
    """What a consumer of any queue costs that finds nothing, in percent of a core.

    Returns: of its own process, and of the PostgreSQL server with all that it does.
    """
    import psycopg

    with psycopg.connect(url) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
    found: list[float] = []
    with tasq_core.connect(url, prefix=prefix) as client:
        consumer = client.new_consumer(queues=None)
        for type in types:
            consumer.learn(type, _unexpected)

        def watch() -> None:
            time.sleep(SETTLING_SECONDS)
            before = time.process_time(), _server_time(server)
            time.sleep(seconds)
            after = time.process_time(), _server_time(server)
            spent = zip(before, after, strict=True)
            found.extend((end - start) / seconds * 100 for start, end in spent)
            consumer.stop()

        threading.Thread(target=watch).start()
        consumer.run(workers=WORKERS)
    return found


def _unexpected(task: tasq_core.Task) -> None:
    raise RuntimeError(f"{task.id} was claimed")


def _server_time(server: psutil.Process) -> float:
    """Seconds of CPU of a server's processes, those that ended included."""
    ended = server.cpu_times()
    total = ended.children_user + ended.children_system
    for process in [server, *server.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return float(total)
