"""The built package holds all that the checkout has, and runs without the checkout."""

import subprocess
import sysconfig
import zipfile
from email.parser import Parser

import pytest

from tests.support.processes import ROOT, clean_environment, python

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The path of a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(*python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)), cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel):
    """What the wheel holds."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _run(*command, cwd, **env):
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=clean_environment() | env
    )
    assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stdout}{answer.stderr}"
    return answer.stdout


def test_every_file_of_the_packages_is_in_the_wheel(names):
    kinds = {".py", ".sql", ".tcss", ".typed"}
    expected = {
        str(path.relative_to(ROOT))
        for package in ("tasq_core", "tasq_tui")
        for path in (ROOT / package).rglob("*")
        if path.suffix in kinds
    }

    assert expected <= names
    assert {"tasq_core/py.typed", "tasq_tui/py.typed"} <= names
    for suffix in (".sql", ".tcss"):
        assert any(name.endswith(suffix) for name in names), suffix


def test_nothing_else_is_in_the_wheel(names):
    tops = {name.partition("/")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"tasq_core", "tasq_tui"}
    assert not [name for name in names if name.endswith(".pyc")]


def test_drivers_are_extras_and_the_command_is_declared(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata, points = (
            archive.read(next(name for name in archive.namelist() if name.endswith(end))).decode()
            for end in (".dist-info/METADATA", ".dist-info/entry_points.txt")
        )
    fields = Parser().parsestr(metadata)
    required = [line for line in fields.get_all("Requires-Dist", []) if "extra ==" not in line]

    assert {"postgres", "mysql", "metrics", "serve", "all"} <= set(fields.get_all("Provides-Extra"))
    assert not [line for line in required if line.startswith(("psycopg", "pymysql", "dbutils"))]
    assert "tasq = tasq_tui.cli.app:main" in points


def test_the_installed_wheel_runs_outside_the_checkout(wheel, tmp_path):
    """The dependencies are borrowed from this environment; `.ci/run` installs them anew."""
    venv = tmp_path / "venv"
    _run(*python("-m", "venv", str(venv)), cwd=tmp_path)
    interpreter = str(venv / "bin" / "python")
    _run(interpreter, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel), cwd=tmp_path)
    borrowed = {"PYTHONPATH": sysconfig.get_path("purelib")}
    where = "import tasq_core; print(tasq_core.__file__)"

    assert str(venv) in _run(interpreter, "-c", where, cwd=tmp_path, **borrowed)
    assert "submit" in _run(str(venv / "bin" / "tasq"), "--help", cwd=tmp_path, **borrowed)
    demo = (str(venv / "bin" / "tasq"), "demo", "--headless", "--seconds", "1")
    assert _run(*demo, cwd=tmp_path, **borrowed)
