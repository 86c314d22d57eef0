"""Both packages, built: they hold all that the checkout has and run without it.

The environments they are installed into are empty but for what is lent to them from this one,
so that no index is needed; `.ci/run` installs both with their dependencies from one.
"""

import email
import importlib.util
import os
import re
import subprocess
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from tasq_core.version import VERSION
from tests.support.processes import ROOT, clean_environment, python

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("wheels")]

CORE, APP = "tasq_core", "tasq_tui"
DRAWING = ("textual", "rich", "typer", "pygments")
CORE_SECONDS = 0.15  # of CPU time, the interpreter's own start included
HELP_SECONDS = 0.25


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The paths of freshly built wheels by package, as `pip install` builds them."""
    folder = tmp_path_factory.mktemp("wheels")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
    _run(*python("-m", "pip", *build, str(ROOT / CORE), str(ROOT)), cwd=folder)
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


def _names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _metadata(archive, name):
    with zipfile.ZipFile(archive) as opened:
        (path,) = (entry for entry in opened.namelist() if entry.endswith(f".dist-info/{name}"))
        return opened.read(path).decode()


def _required(wheel):
    """Its requirements without those of extras."""
    fields = email.message_from_string(_metadata(wheel, "METADATA"))
    return [line for line in fields.get_all("Requires-Dist", []) if "extra ==" not in line]


def _run(*command, cwd, **env):
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=clean_environment() | env
    )
    assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stdout}{answer.stderr}"
    return answer.stdout


@pytest.mark.parametrize("package", [CORE, APP])
def test_every_file_of_a_package_is_in_its_wheel_and_nothing_else(package, wheels):
    about = {"pyproject.toml", "README.md", "LICENSE"}
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.name not in about and "__pycache__" not in path.parts
    }
    held = {name for name in _names(wheels[package]) if ".dist-info/" not in name}

    assert f"{package}/py.typed" in expected
    assert any(name.endswith(".sql" if package == CORE else ".tcss") for name in expected)
    assert held == expected


def test_the_library_requires_msgspec_alone_and_drivers_are_extras(wheels):
    fields = email.message_from_string(_metadata(wheels[CORE], "METADATA"))

    assert [line.partition("<")[0] for line in _required(wheels[CORE])] == ["msgspec"]
    assert {"postgres", "mysql", "metrics", "all"} <= set(fields.get_all("Provides-Extra"))


def test_the_app_requires_the_library_of_this_clone_with_the_drivers_of_all_databases(wheels):
    [library] = [line for line in _required(wheels[APP]) if line.startswith("tasq-core")]

    assert library == f"tasq-core[mysql,postgres,schedules] @ {(ROOT / CORE).as_uri()}"
    assert "tasq = tasq_tui.cli:main" in _metadata(wheels[APP], "entry_points.txt")


def test_what_goes_to_an_index_requires_the_library_by_name_and_version():
    """An index refuses paths, and another machine has no such clone."""
    spec = importlib.util.spec_from_file_location("tasq_build", ROOT / "packaging/tasq_build.py")
    backend = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(backend)

    by_name = ["tasq-core[postgres,mysql,schedules]==1.2.3"]
    assert backend.library(ROOT, "1.2.3", "sdist") == by_name
    assert backend.library(ROOT / "docs", "1.2.3", "wheel") == by_name
    editable = " ".join(backend.library(ROOT, "1.2.3", "editable"))
    assert "tasq-core" not in editable
    assert all(name in editable for name in ("msgspec", "psycopg", "pymysql", "cronsim"))


def test_both_distributions_have_one_version_and_one_licence():
    projects = [
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        for folder in ("", CORE)
    ]

    assert {project["version"] for project in projects} == {VERSION}
    assert len({project["requires-python"] for project in projects}) == 1
    assert (ROOT / CORE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def _sources():
    folders = (ROOT / CORE, ROOT / APP, ROOT / "docs")
    return [path for folder in folders for path in folder.rglob("*.*")] + [ROOT / "README.md"]


def test_whatever_a_reader_is_told_to_install_is_an_extra_of_a_distribution():
    published = {
        name: tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        for name, folder in (("tasq-core", CORE), ("tasq-tui", ""))
    }
    told = {
        found.groups()
        for path in _sources()
        if path.suffix in {".py", ".md"}
        for found in re.finditer(r"\b(tasq-\w+|\.)\[([a-z]\w*(?:,[a-z]\w*)*)\]", path.read_text())
    }
    extras = {(name, extra) for name, listed in told for extra in listed.split(",")}

    assert ("tasq-tui", "serve") in extras
    for name, extra in extras:
        known = published["tasq-tui" if name == "." else name]["optional-dependencies"]
        assert extra in known, f"{name}[{extra}]"


@pytest.fixture(scope="module")
def core_alone(wheels, tmp_path_factory):
    """A folder for PYTHONPATH with the library's wheel and msgspec, and nothing else."""
    folder = tmp_path_factory.mktemp("core")
    with zipfile.ZipFile(wheels[CORE]) as archive:
        archive.extractall(folder)
    msgspec = Path(importlib.util.find_spec("msgspec").origin).parent
    (folder / "msgspec").symlink_to(msgspec, target_is_directory=True)
    return folder


def test_the_library_works_with_msgspec_alone_and_loads_nothing_that_draws(core_alone, tmp_path):
    code = (
        "import sys, tasq_core\n"
        f"assert tasq_core.__file__.startswith({str(core_alone)!r}), tasq_core.__file__\n"
        "with tasq_core.connect('sqlite://') as client:\n"
        "    client.migrate()\n"
        "    client.new_producer().submit('email', {'to': 'a@b.c'})\n"
        f"print(sorted(set({DRAWING}) & set(sys.modules)))"
    )
    lonely = ("-S", "-c", code)  # -S: no site-packages

    out = _run(*python(*lonely), cwd=tmp_path, PYTHONPATH=str(core_alone))

    assert out.strip() == "[]"


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """The folder of an environment with both wheels; this one's pip puts them there."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    _run(*python("-m", "venv", "--without-pip", str(venv)), cwd=venv.parent)
    there = ("--python", str(venv / "bin" / "python"))
    install = ("install", "--quiet", "--no-deps", *map(str, wheels.values()))
    _run(*python("-m", "pip", *there, *install), cwd=venv.parent)
    return venv


@pytest.fixture
def borrowed():
    """Lends an environment what this one has installed."""
    return {"PYTHONPATH": sysconfig.get_path("purelib")}


def test_the_command_runs_outside_the_checkout(installed, tmp_path, borrowed):
    where = "import tasq_core, tasq_tui; print(tasq_core.__file__, tasq_tui.__file__)"
    tasq = str(installed / "bin" / "tasq")

    found = _run(str(installed / "bin" / "python"), "-c", where, cwd=tmp_path, **borrowed).split()
    assert all(path.startswith(str(installed)) for path in found)
    assert "submit" in _run(tasq, "--help", cwd=tmp_path, **borrowed)
    assert _run(tasq, "demo", "--headless", "--seconds", "1", cwd=tmp_path, **borrowed)


USERS_TEST = """\
import pytest
from tasq_core import Task

def send(task: Task) -> None:
    assert task.unmarshal_args()["to"] == "a@b.c"

def test_mail_is_sent(tasq_client, tasq_drain, submitted):
    tasq_client.new_producer().submit("email", {"to": "a@b.c"}, queue="mail")
    assert len(submitted("email", queue="mail")) == 1
    assert [ran.status for ran in tasq_drain({"email": send})] == ["SUCCESSFUL"]
"""


def test_a_users_project_has_the_pytest_plugin_by_installing_the_library(
    installed, tmp_path, borrowed
):
    assert len(USERS_TEST.splitlines()) == 10
    (tmp_path / "test_mail.py").write_text(USERS_TEST)
    pytest_of = [str(installed / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    assert "1 passed" in _run(*pytest_of, cwd=tmp_path, **borrowed)
    where = "import tasq_core.testing.plugin as p; print(p.__file__)"
    found = _run(str(installed / "bin" / "python"), "-c", where, cwd=tmp_path, **borrowed)
    assert found.startswith(str(installed))


@pytest.mark.serial
def test_importing_the_library_and_showing_help_take_moments(
    installed, core_alone, tmp_path, borrowed
):
    library = python("-c", "import tasq_core")
    tasq = [str(installed / "bin" / "tasq"), "--help"]

    assert _cpu_seconds(library, tmp_path, PYTHONPATH=str(core_alone)) < CORE_SECONDS
    assert _cpu_seconds(tasq, tmp_path, **borrowed) < HELP_SECONDS


def _cpu_seconds(command, cwd, **env):
    """The least of five runs, after one that compiles."""
    measured = []
    for _ in range(6):
        with Path(os.devnull).open("w") as nowhere:
            process = subprocess.Popen(
                command, cwd=cwd, env=clean_environment() | env, stdout=nowhere
            )
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        measured.append(usage.ru_utime + usage.ru_stime)
    return min(measured[1:])
