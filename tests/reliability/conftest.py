"""Each test here is a scenario: real processes, a fault, and one line that says what came of it.

`pytest -m reliability -q` prints the lines. Longer runs are had by environment:
`TASQ_TEST_CHAOS_TASKS=50000`, `TASQ_TEST_SOAK_TASKS=100000`, `TASQ_TEST_IDLE_SECONDS=60`,
`TASQ_TEST_TICKS=1000`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.reliability.fleet import Fleet
from tests.reliability.network import SilencingProxy
from tests.support.databases import Database, external_url
from tests.support.forked import ForkedProcess, can_run, shared_forker
from tests.support.processes import ROOT, Process, python

_HERE = Path(__file__).parent
_WORKERS = "tests.reliability.workers"

# Loaded by the interpreter before anything else: this process's wall clock is wrong from then on.
_SHIFTED = """
import datetime, os, time
shift = float(os.environ["TASQ_TEST_CLOCK_SHIFT"])
real, real_ns = time.time, time.time_ns
time.time = lambda: real() + shift
time.time_ns = lambda: real_ns() + int(shift * 1e9)
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls):
        return cls.now(datetime.timezone.utc).replace(tzinfo=None)
datetime.datetime = Shifted
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.reliability)


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes the scenario's outcome, one line with figures."""

    def record(line: str) -> None:
        request.node.user_properties.append(("outcome", line))

    return record


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [
        report
        for result in ("passed", "failed")
        for report in terminalreporter.stats.get(result, [])
        if "tests/reliability/" in report.nodeid and report.when == "call"
    ]
    if not reports:
        return
    terminalreporter.section("reliability")
    for report in reports:
        scenario = report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        outcomes = [text for name, text in report.user_properties if name == "outcome"]
        said = "FAILED" if report.failed else "; ".join(outcomes) or "as promised"
        terminalreporter.line(f"{scenario}: {said}")


@pytest.fixture
def start_worker(start_process: Callable[..., Process]) -> Iterator[Any]:
    """Starts a worker: in a fork, or in a new interpreter where `env` speaks to that."""
    with ExitStack() as started:

        def start(*arguments: str, env: dict[str, str] | None = None) -> Process:
            if not can_run(env or {}):
                return start_process(*python("-m", _WORKERS, *arguments), env=env)
            process = ForkedProcess(shared_forker(), _WORKERS, *arguments, env=env)
            return started.enter_context(closing(process))

        yield start


@pytest.fixture
def fleet(database: Database, start_worker: Callable[..., Any]) -> Fleet:
    """Consumers in processes of their own, on each backend."""
    return Fleet(database, start_worker)


@pytest.fixture(params=["postgres", "mysql"])
def server_backend(request: pytest.FixtureRequest) -> str:
    """The backends that are reached over a network."""
    return request.param


@pytest.fixture
def served_fleet(
    server_backend: str, start_worker: Callable[..., Any], request: pytest.FixtureRequest
) -> Iterator[Fleet]:
    """A fleet on a database that has a server."""
    url = external_url(server_backend) or request.getfixturevalue(f"_shared_{server_backend}").url
    database = Database(server_backend, url)
    yield Fleet(database, start_worker)
    database.close()


@pytest.fixture
def proxy(served_fleet: Fleet) -> Iterator[SilencingProxy]:
    """Between the workers of `served_fleet` and their server."""
    parts = urlsplit(served_fleet.database.url)
    with SilencingProxy(parts.hostname or "127.0.0.1", parts.port or 0) as proxy:
        served_fleet.worker_url = proxy.url(served_fleet.database.url)
        yield proxy


@pytest.fixture
def broken_fleet(private_database: Database, start_worker: Callable[..., Any]) -> Fleet:
    """A fleet whose server may be killed: `broken_fleet.database.server`."""
    return Fleet(private_database, start_worker)


@pytest.fixture
def clock(tmp_path: Path) -> Callable[[float], dict[str, str]]:
    """The environment of a process whose clock is `seconds` ahead."""
    (tmp_path / "sitecustomize.py").write_text(_SHIFTED)

    def environment(seconds: float) -> dict[str, str]:
        return {"PYTHONPATH": f"{tmp_path}:{ROOT}", "TASQ_TEST_CLOCK_SHIFT": str(seconds)}

    return environment
