"""A shell in which the documentation's commands run."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import clean_environment

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shell_environment(tmp_path: Path) -> dict[str, str]:
    """The database of the test is `tasks.db` in its folder; `tasq` is on the PATH."""
    kept = clean_environment()
    return kept | {
        "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        "TASQ_URL": f"sqlite:///{tmp_path}/tasks.db",
        "TASQ_STATE_DIR": str(tmp_path / "state"),
        "TASQ_CONFIG": str(tmp_path / "none.toml"),
        "COLUMNS": "100",
        "EDITOR": "true",
    }


@pytest.fixture
def shell(shell_environment: dict[str, str], tmp_path: Path) -> Shell:
    """Runs one line of shell; what it prints and how it ended."""

    def run(line: str, timeout: float = 60, **env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=tmp_path,
            env=shell_environment | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
