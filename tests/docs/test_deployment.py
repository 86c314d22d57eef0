"""The deployment guide: what an operator copies to a server at night has to work as printed."""

import configparser
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tasq_core
from tests.docs.blocks import DOCS, blocks, named
from tests.support.processes import ROOT
from tests.support.wait import wait_until

_PAGE = "guides/deployment.md"
_TASQ = str(Path(sys.executable).with_name("tasq"))
_HANDLERS = "def email(task):\n    print('sent', flush=True)\n\nhandlers = {'email': email}\n"


@pytest.fixture
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(named(_PAGE, "mailer@.service"))
    return parser


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobs.py").write_text(_HANDLERS)
    return tmp_path


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def _option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def _submitted(folder: Path) -> tasq_core.Client:
    client = tasq_core.connect(f"sqlite:///{folder}/tasks.db")
    client.migrate()
    client.new_producer().submit("email", {}, queue="mail")
    return client


def _count(client: tasq_core.Client, where: str) -> int:
    return client.new_inspector().count(where=where)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path):
    text = named(_PAGE, "mailer@.service").replace("User=mailer", "User=root")
    text = text.replace("/srv/mailer/.venv/bin/tasq", "/bin/true").replace("/srv/mailer", "/")
    (tmp_path / "mailer@1.service").write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "mailer@1.service")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert "mailer@" not in done.stderr, done.stderr


@pytest.mark.slow
def test_the_units_command_works_and_is_stopped_by_systemd_and_by_the_fleet(
    unit, folder, shell, shell_environment, start_process
):
    """A worker that `fleet stop` ended with another code would be started again."""
    service = unit["Service"]
    words = shlex.split(service["ExecStart"].replace("%i", "1"))
    assert words[0] == service["WorkingDirectory"] + "/.venv/bin/tasq"
    assert _seconds(service["TimeoutStopSec"]) > _seconds(_option(words, "--stop-timeout"))
    client = _submitted(folder)

    for way in ("SIGTERM", "fleet stop"):
        process = start_process(_TASQ, *words[1:], cwd=folder, env=shell_environment)
        wait_until(lambda: "mailer-1" in shell("tasq fleet").stdout, 30)
        wait_until(lambda: _count(client, "status:successful") == 1, 30)
        if way == "SIGTERM":
            process.signal(signal.SIGTERM)
        else:
            assert shell("tasq fleet stop mailer-1").returncode == 0
        assert process.wait(30) == 0, str(process)
        logged = [line for line in process.stderr.splitlines() if line.startswith("{")]
        assert all(json.loads(line)["level"] for line in logged)


def test_the_restart_covers_a_database_that_is_away(unit, shell, folder):
    done = shell("tasq work jobs:handlers", TASQ_URL="postgresql://nobody@127.0.0.1:1/none")

    assert unit["Service"]["Restart"] == "on-failure"
    assert done.returncode == 5, done.stderr


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_the_password_comes_from_the_credential_and_the_rights_are_enough(
    database, unit, folder, shell_environment, start_process
):
    """The guide's SQL gives a worker what it needs, and no more than it says."""
    prefix, role = database.prefix, f"mailer_{database.prefix}"
    client = database.client()
    client.migrate()
    sql = named(_PAGE, "rights.sql")
    sql = sql.replace("ON tasks", f"ON {prefix}_tasks").replace("tasq_", f"{prefix}_tasq_")
    database.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'it''s @ secret'")
    try:
        for statement in sql.replace("mailer", role).split(";"):
            if statement.strip():
                database.execute(statement)
        assert unit["Service"]["LoadCredential"].startswith("db-password:")
        (folder / "db-password").write_text("it's @ secret\n")
        place = database.url.rpartition("@")[2]
        config = named(_PAGE, "tasq.toml").replace("mailer@db.internal/shop", f"{role}@{place}")
        (folder / "tasq.toml").write_text(config)
        env = {name: text for name, text in shell_environment.items() if name != "TASQ_URL"}
        env |= {"TASQ_CONFIG": str(folder / "tasq.toml"), "CREDENTIALS_DIRECTORY": str(folder)}
        env |= {"TASQ_PREFIX": prefix}
        client.new_producer().submit("email", {}, queue="mail")
        options = [_TASQ, "--profile", "prod", "--prefix", prefix]

        worker = start_process(
            *options, "work", "jobs:handlers", "--queue", "mail", cwd=folder, env=env
        )
        wait_until(lambda: _count(client, "status:successful") == 1, 30, lambda: str(worker))
        wait_until(lambda: client.new_inspector().consumers(), 30)
        doctor = start_process(*options, "doctor", cwd=folder, env=env)
        assert doctor.wait(60) == 0, str(doctor)
        assert "may not" not in doctor.stdout
        worker.signal(signal.SIGTERM)
        assert worker.wait(30) == 0, str(worker)
        assert "secret" not in worker.stderr + worker.stdout + doctor.stdout
    finally:
        database.execute(f"DROP OWNED BY {role}")
        database.execute(f"DROP ROLE {role}")


def test_the_containers_command_works(folder, shell_environment, start_process):
    """Nothing here builds the image; what it runs and what it copies is checked."""
    lines = named(_PAGE, "Containerfile").splitlines()
    entry = json.loads(next(line for line in lines if line.startswith("ENTRYPOINT"))[11:])
    copied = [line.split()[1] for line in lines if line.startswith("COPY")]
    python = re.search(r"FROM python:3\.(\d+)-slim", "\n".join(lines))
    assert copied == ["jobs.py"]
    assert python is not None
    assert (
        f"Programming Language :: Python :: 3.{python[1]}" in (ROOT / "pyproject.toml").read_text()
    )
    client = _submitted(folder)

    process = start_process(_TASQ, *entry[1:], cwd=folder, env=shell_environment)
    wait_until(lambda: _count(client, "status:successful") == 1, 30, lambda: str(process))
    process.signal(signal.SIGTERM)

    assert process.wait(30) == 0, str(process)


def test_the_crontabs_lines_do_what_is_said(folder, shell):
    """`health` mails while something is wrong, and is silent while nothing is."""
    lines = [line for line in named(_PAGE, "tasq.cron").splitlines() if "mailer  " in line]
    clean, health = (
        line.partition("  mailer  ")[2].replace("/srv/mailer/.venv/bin/tasq", "tasq")
        for line in lines
    )
    assert all("%" not in line for line in lines), "% is a line's end in a crontab"
    client = tasq_core.connect(f"sqlite:///{folder}/tasks.db")
    client.migrate()

    quiet = shell(health)
    assert (quiet.stdout, quiet.returncode) == ("", 0)
    done = shell(clean)
    assert done.returncode == 0, done.stderr
    client.new_producer().submit("email", {}, queue="mail")
    late = shell(health.replace("--max-wait 10m", "--max-wait 0s"))
    assert "unconsumed" in late.stdout or "queue mail" in late.stdout, late


@pytest.mark.slow
def test_the_other_commands_of_the_guide_exist(folder, shell):
    _submitted(folder)
    text = (DOCS / _PAGE).read_text()
    said = re.findall(r"`(tasq (?:count|pause|resume|doctor|fleet|health)[^`]*)`", text)
    assert len(said) > 5
    for command in said:
        done = shell(command.replace(" stop mailer-1", ""))
        assert done.returncode in (0, 8), f"{command}: {done.stderr}"


def test_every_block_of_the_guide_is_used_above():
    source = Path(__file__).read_text()
    for block in blocks(DOCS / _PAGE):
        assert block.name, f"a block without a name: {block.text[:40]!r}"
        assert f'"{block.name}"' in source, block.name
