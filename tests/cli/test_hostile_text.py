"""Text from the database never acts on a terminal, a spreadsheet or a reader of JSON."""

import csv
import io
import json

import pytest

from tasq_core.task import TaskStatus
from tasq_tui.cli import sanitize
from tests.support.builders import make_task

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "a\rb\nc\td\x7f\x08",
    "\u202egnp.exe\u2066\u200d",
    "=cmd|' /C calc'!A0",
    "[bold]red[/bold] {0} %s",
    "\u2028\u2029\ufeff\u00a0",
    "日本語 wide e\u0301",
    "--yes",
)
ACTIVE = set("\x00\x07\x08\x0b\x1b\x7f\x9b\u202e\u2066\u2028\u2029\ufeff\r")
SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
FORMS = ("table", "json", "ndjson", "csv")


@pytest.fixture
def hostile(table):
    return table(
        *(
            make_task(
                type=text, queue=text, status=TaskStatus.FAILED, last_error=text,
                args=json.dumps({text: text}, ensure_ascii=False).encode(),
            )
            for text in HOSTILE
        )
    )  # fmt: skip


@SQLITE
@pytest.mark.parametrize("form", FORMS)
def test_no_list_holds_an_active_character(tasq, hostile, form):
    for verb in (("list",), ("errors",), ("stats", "--by", "queue"), ("stats", "--by", "type")):
        result = tasq(*verb, "-o", form)

        assert result.code == 0, result.err
        assert not ACTIVE & set(result.out), verb
        assert result.err == ""


@SQLITE
def test_neither_has_a_task_in_full_a_preview_or_an_export(tasq, hostile):
    ids = [str(task.id) for task in hostile]
    outputs = [
        tasq("show", *ids).out,
        tasq("purge", "--all", "--dry-run").out,
        tasq("export", "--all").out,
        tasq("metrics").out.replace("\u2028", "").replace("\u2029", ""),
    ]

    assert not ACTIVE & set("".join(outputs[:3]))
    assert len(outputs[3]) > 0


def test_json_reads_back_the_very_text(tasq, hostile):
    listed = json.loads(tasq("list", "--json").out)

    assert {task["type"] for task in listed} == set(HOSTILE)
    assert all(task["args"]["value"] == {task["type"]: task["type"]} for task in listed)


@SQLITE
def test_csv_holds_no_formula_and_one_line_a_task(tasq, hostile):
    out = tasq("list", "-o", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))

    assert len(out.splitlines()) == len(HOSTILE) + 1
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())
    assert {row["type"] for row in rows} >= {"'=cmd|' /C calc'!A0", "'--yes"}
    assert {row["priority"] for row in rows} == {"0"}


def test_hostile_names_can_be_selected_and_exported_without_loss(tasq, hostile, repository):
    for task in hostile:
        found = tasq("list", f"--queue={task.queue}", f"--type={task.type}", "-o", "ids")
        assert found.lines == [str(task.id)]
    exported = tasq("export", "--all").out
    repository.delete_tasks([task.id for task in hostile], False)

    tasq("import", "-", stdin=exported)

    restored = repository.get_tasks([task.id for task in hostile])
    assert restored == hostile


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\nb"),
        ("\u202e", "\\u202e"),
        ("\U000e0001", "\\U000e0001"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_character_that_is_not_printable_is_shown_as_its_escape(text, shown):
    assert sanitize.line(text) == shown


@SQLITE
def test_an_error_message_is_inert_too(tasq, repository):
    result = tasq("show", "\x1b[31mzz")

    assert result.code == 2
    assert "\x1b" not in result.err
