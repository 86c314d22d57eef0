"""What a test run says about itself: versions and seed first, tests per backend last."""

import platform
import random
import sqlite3
from collections import Counter
from importlib.metadata import version
from typing import Any

import pytest

from tests.support.databases import BACKENDS, external_url, server_version
from tests.support.programs import ServerUnavailableError
from tests.support.servers import MariaDBServer, PostgresServer, Server

_PARAMETERS = ("backend", "private_backend")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose Hypothesis's seed before its plugin reads it, so that the header can name it."""
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The versions that decide, and how to repeat this run."""
    programs = f"Python {platform.python_version()}, Textual {version('textual')}"
    return [
        f"tasq: {programs}, SQLite {sqlite3.sqlite_version}",
        f"PostgreSQL: {_describe('postgres', PostgresServer)}",
        f"MySQL: {_describe('mysql', MariaDBServer)}",
        _seed(config),
    ]


def _seed(config: pytest.Config) -> str:
    from hypothesis import settings

    if settings.default is not None and settings.default.derandomize:
        return "hypothesis: derandomized"
    return f"hypothesis: --hypothesis-seed={config.getoption('hypothesis_seed', None)}"


def _describe(backend: str, private: type[Server]) -> str:
    url = external_url(backend)
    try:
        if url:
            return f"{server_version(backend, url)}, given by TASQ_TEST_{backend.upper()}_URL"
        return f"{private.version()}, a private server"
    except ServerUnavailableError as error:
        return f"none: {error}"
    except Exception as error:  # the header never stops a run; the tests say it again
        return f"can't be asked: {error}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Note on each report which backend its test ran on."""
    report = yield
    callspec = getattr(item, "callspec", None)
    for name in _PARAMETERS:
        if callspec and name in callspec.params:
            report.user_properties.append(("backend", callspec.params[name]))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Any:
    """Let hostile text that a test logged pass from a parallel worker: pipes carry UTF-8 alone."""
    return _encodable((yield))


def _encodable(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode("utf-8", "backslashreplace").decode()
    if isinstance(data, dict):
        return {key: _encodable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)(map(_encodable, data))
    return data


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many tests ran on each backend, and what was skipped for which reason."""
    ran: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if outcome == "skipped":
                skipped[_reason(report)] += 1
            elif report.when == "call":
                ran.update(value for key, value in report.user_properties if key == "backend")
    terminalreporter.section("backends")
    figures = ", ".join(f"{backend} {ran[backend]}" for backend in BACKENDS)
    terminalreporter.line(f"tests per backend: {figures}")
    if terminalreporter.stats.get("failed"):  # -q has hidden the header
        terminalreporter.line(_seed(terminalreporter.config))
    for reason, count in sorted(skipped.items()):
        terminalreporter.line(f"skipped {count}: {reason}")


def _reason(report: Any) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ").strip()
