"""`import` reads what `list -o ndjson` writes: the same keys, the same bytes of arguments."""

import json

import pytest

from tasq_core.args import GOB
from tasq_core.errors import InvalidInputError
from tasq_core.task import IMMEDIATELY
from tasq_core.transfer import from_line, to_line
from tasq_tui.admin.records import task_record
from tests.support.builders import make_task

ARGS = [
    b"null",
    b'{"a": 1}',
    b'{"a":1.50,"a":2}',
    '"\u00e9"'.encode(),
    b"",
    b"plain text",
    bytes(range(256)),
    GOB.encode({"a": [1, 2]}),
    b'{"big": 12345678901234567890123}',
]


@pytest.mark.parametrize("args", ARGS)
def test_a_listed_task_is_imported_with_the_same_bytes(args):
    """list wrote one shape and import read another: a backup made with list was none."""
    task = make_task(args=args, last_error="no", receive_count=2)

    again = from_line(json.dumps(task_record(task)))

    assert again == task


def test_export_and_list_agree_in_keys_and_times():
    task = make_task(visible_at=IMMEDIATELY)

    exported, listed = json.loads(to_line(task)), task_record(task)

    assert exported.keys() == listed.keys()
    assert {key: value for key, value in exported.items() if key != "args"} == {
        key: value for key, value in listed.items() if key != "args"
    }
    assert listed["visible_at"] is None
    assert exported["args"].keys() == {"encoding", "value"}
    assert from_line(to_line(task)) == task


def test_lines_of_former_versions_are_read():
    """The trash of an earlier version must still come back."""
    task = make_task(args=b"\x00\xff")
    row = json.loads(to_line(task))
    row["args"] = row["args"]["value"]
    row["visible_at"] = "0001-01-01T00:00:00.000000+00:00"
    row["created_at"] = row["created_at"].replace("Z", "+00:00")

    assert from_line(json.dumps(row)) == task


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"args": 5}, "args"),
        ({"args": {"encoding": "yaml", "value": 1}}, "encoding 'yaml'"),
        ({"args": {"encoding": "base64", "value": "%"}}, "base64"),
        ({"id": "x"}, "id 'x' is not a UUID"),
        ({"id": 5}, "id 5 is not a UUID"),
        ({"status": "GONE"}, "GONE"),
        ({"created_at": "soon"}, "created_at 'soon' is not a time"),
        ({"created_at": 5}, "created_at 5 is not a time"),
        ({"finished_at": "2026-01-01T00:00:00"}, "finished_at"),
        ({"created_at": None}, "created_at"),
        ({"priority": "high"}, "priority"),
    ],
)
def test_a_field_that_cannot_be_read_is_named_in_our_words(change, told):
    row = task_record(make_task()) | change

    with pytest.raises(InvalidInputError) as refused:
        from_line(json.dumps(row), 7)

    message = str(refused.value)
    assert message.startswith("line 7 is not an exported task: ")
    assert told in message
    assert "argument" not in message
    assert "object" not in message


@pytest.mark.parametrize("line", ["{", "nope", "[1]", '"x"', "{}", '{"id": 1}'])
def test_a_line_that_is_no_task_says_what_is_missing(line):
    with pytest.raises(InvalidInputError, match="line 1 is not an exported task: "):
        from_line(line)
