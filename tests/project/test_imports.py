"""What is loaded when: the start-up budget, seen from a fresh interpreter."""

import json
import subprocess

from tests.support.processes import clean_environment, python

DRIVERS = ("psycopg", "psycopg_pool", "pymysql", "dbutils")
DRAWING = ("textual", "rich", "typer")
HEAVY = {*DRIVERS, "textual", "sqlite3", "prometheus_client", "textual_serve"}
# fmt: off
VERBS = (
    "tui", "demo", "migrate", "submit", "list", "show", "stats", "errors", "requeue", "delete",
    "purge", "clean", "export", "import", "work", "schedules", "doctor", "metrics", "serve", "profiles",
    "fleet", "pause", "resume",
)
# fmt: on

_TELL = "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def _loaded_by(code, folder):
    command = python("-c", code + _TELL)
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=clean_environment()
    )
    assert answer.returncode == 0, answer.stderr
    return set(json.loads(answer.stdout.splitlines()[-1]))


def test_the_library_loads_no_driver_no_screen_and_no_event_loop(tmp_path):
    loaded = _loaded_by("import tasq_core", tmp_path)

    assert not loaded & {*DRIVERS, *DRAWING, "asyncio", "sqlite3"}


def test_the_async_face_loads_no_driver_and_no_library_of_others(tmp_path):
    """A door is loaded by whoever passes such a connection, and by nobody else."""
    loaded = _loaded_by("import tasq_core.aio", tmp_path)

    others = {"sqlalchemy", "django", "asyncpg", "aiosqlite", "asyncmy", "MySQLdb"}
    assert not loaded & {*DRIVERS, *DRAWING, *others, "sqlite3"}


def test_a_sqlite_client_loads_no_other_driver(tmp_path):
    code = "import tasq_core\nwith tasq_core.connect('sqlite://') as client:\n    client.migrate()"
    loaded = _loaded_by(code, tmp_path)

    assert not loaded & {*DRIVERS, *DRAWING}


def test_help_loads_neither_the_app_nor_a_driver(tmp_path):
    """Whoever asks for help would wait for them; one interpreter shows that of every verb."""
    code = (
        "import sys\nfrom tasq_tui.cli.app import main\n"
        f"for verb in {['', *VERBS]!r}:\n"
        "    sys.argv = ['tasq', *verb.split(), '--help']\n"
        "    try:\n        main()\n"
        "    except SystemExit as end:\n        assert not end.code, (verb, end.code)\n"
        f"    found = {HEAVY!r} & sys.modules.keys()\n"
        "    assert not found, (verb, found)\n"
    )
    _loaded_by(code, tmp_path)
