"""Writes docs/reference/configuration.md: `python docs/configuration_reference.py`."""

import ast
import inspect
import re
import sys
import textwrap
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

TARGET = HERE / "reference" / "configuration.md"

ENVIRONMENT = {
    "TASQ_URL": "The database, as `--url`.",
    "TASQ_PREFIX": "The table is `<prefix>_tasks`, as `--prefix`.",
    "TASQ_PROFILE": "A profile of the config file, as `--profile`.",
    "TASQ_READ_ONLY": "1 or 0: let the database refuse every change, as `--read-only`.",
    "TASQ_TIME_ZONE": "The zone of the table's times (MySQL, MariaDB), as `--time-zone`.",
    "TASQ_CONFIG": "The config file, in place of `config.toml` in the platform's folder for tasq"
    " (on Linux `~/.config/tasq`).",
    "TASQ_STATE_DIR": "Where the undo log, the history and what was typed are kept, in place of the"
    " platform's folder (on Linux `~/.local/state/tasq`).",
    "NO_COLOR": "Anything: no colours.",
}

HEAD = """\
# Configuration

Made from the code by `python docs/configuration_reference.py`. Durations are seconds or a
`timedelta` in Python, and text such as `90s`, `1.5h` or `7d` everywhere else.
"""

SOURCES = """\
## The command's sources

A flag beats the environment, which beats the config file's default profile, each as a whole: a
profile named by `--profile` brings its own url, prefix and protections even where `TASQ_URL` is
set.
`--url` together with `--profile`, or `TASQ_URL` with `TASQ_PROFILE`, that name different databases
open it read-only and say so. A URL that is a profile's database keeps that profile's `read_only`
and `confirm`.
"""

FED = """\
`consumer.run(workers=N)` and `tasq work` raise `poll_limit`, `max_active_tasks` and `channel_size`
to what keeps N workers fed, where they weren't given.
"""

FILE = """\
## The config file

TOML. A key that tasq doesn't know is an error. A name in `[keys]` is one of [the app's
actions](../keys.md); `[filters]` holds [filters](filters.md).

"""

PASSWORDS = """\
A password in none of these, in programs as in the command:

- PostgreSQL: `PGPASSWORD`, `PGPASSFILE` or `~/.pgpass`, and a service (`postgresql:///?service=prod`),
  as libpq reads them.
- MySQL and MariaDB: the `[client]` section of `~/.my.cnf`, or the file and section of
  `mysql://app@db/prod?read_default_file=/etc/app.cnf&read_default_group=prod`, then `MYSQL_PWD`. A
  section for another user or host isn't used. `.mylogin.cnf` and the files that an option file
  includes aren't read.
"""


def page() -> str:
    """The whole page."""
    from tasq_core.client import connect
    from tasq_core.consumer.options import ConsumerOptions
    from tasq_core.fleet.findings import Limits
    from tasq_core.repository.urls import CONNECT_OPTIONS
    from tasq_tui.admin.settings import Config, Profile

    in_url = ", ".join(f"`{name}`" for name in sorted(CONNECT_OPTIONS))
    parts = [
        HEAD,
        "## `tasq.connect`\n\n" + _table("argument", _arguments(connect)),
        f"In the URL's query too, `?pool_size=4&wake_up=false`: {in_url}.",
        "## Consumers\n\nKeywords of `client.new_consumer(…)`, or `consumer.with_<name>(…)`.\n\n"
        + _table("option", _fields(ConsumerOptions, skip={"given"})),
        FED.rstrip(),
        "## Health\n\nLimits of `client.health(…)` and `tasq health`.\n\n"
        + _table("limit", _fields(Limits)),
        SOURCES.rstrip(),
        "## Environment\n\n| variable | meaning |\n|-|-|\n"
        + "\n".join(f"| `{name}` | {text} |" for name, text in ENVIRONMENT.items()),
        PASSWORDS.rstrip(),
        FILE + _table("key", _fields(Config, skip={"path", "warnings"})),
        "Of a profile:\n\n" + _table("key", _fields(Profile, skip={"name"})),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


Row = tuple[str, str, str]
_MINUTE = 60.0


def _table(kind: str, rows: list[Row]) -> str:
    lines = [f"| {kind} | default | meaning |", "|-|-|-|"]
    for name, default, text in rows:
        assert text, f"{name} says nothing about itself"
        lines.append(f"| `{name}` | {default} | {text.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def _arguments(function: Any) -> list[Row]:
    """Of a function with a Google docstring: each argument, its default and its text."""
    section = inspect.getdoc(function).partition("Args:\n")[2].partition("\n\n")[0]  # type: ignore[union-attr]
    said = dict(re.findall(r"^    (\w+): (.*(?:\n     .*)*)", section, re.MULTILINE))
    return [
        (name, _default(parameter.default), _one_line(said.get(name, "")))
        for name, parameter in inspect.signature(function).parameters.items()
    ]


def _fields(kind: type, skip: set[str] = frozenset()) -> list[Row]:  # type: ignore[assignment]
    """Of a dataclass: each field, its default and the string below it."""
    said = _strings_below(kind)
    return [
        (field.name, _default(_value(field)), _one_line(said.get(field.name, "")))
        for field in fields(kind)
        if field.name not in skip
    ]


def _strings_below(kind: type) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    said = {}
    for before, node in zip(definition.body, definition.body[1:], strict=False):
        text = node.value if isinstance(node, ast.Expr) else None
        if isinstance(before, ast.AnnAssign) and isinstance(text, ast.Constant):
            said[before.target.id] = str(text.value)  # type: ignore[union-attr]
    return said


def _value(field: "Field[Any]") -> Any:
    return field.default_factory() if field.default is MISSING else field.default  # type: ignore[misc]


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return "required"
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, float):
        from tasq_core.durations import duration_text

        return f"`{value:.9g}`" + (f" ({duration_text(value)})" if value >= _MINUTE else "")
    if isinstance(value, StrEnum):
        return f"`{value.value!r}`"
    if value is None or isinstance(value, bool | int | str | tuple | dict):
        return f"`{value!r}`"
    return f"`{value.name}`" if hasattr(value, "name") else "see text"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
