"""What a test needs from the machine: without it the test is skipped, or fails where demanded.

`TASQ_TEST_REQUIRE` names what must be there, separated by commas: postgres, mysql,
pgbouncer, galera, go, tmux, mysqlclient.
"""

import os
import shutil
from typing import NoReturn

import pytest


def required() -> set[str]:
    """The names in `TASQ_TEST_REQUIRE`."""
    names = os.environ.get("TASQ_TEST_REQUIRE", "").split(",")
    return {name.strip() for name in names} - {""}


def missing(name: str, reason: str) -> NoReturn:
    """Skip the running test for want of `name`; fail it where `name` is required."""
    if name in required():
        pytest.fail(f"TASQ_TEST_REQUIRE names {name}: {reason}", pytrace=False)
    pytest.skip(f"{name}: {reason}")


def program(name: str) -> str:
    """The path of the program `name`, which is also the name it is required by."""
    found = shutil.which(name)
    return found or missing(name, f"no program {name} on the PATH")
