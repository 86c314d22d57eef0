"""One task a line: any task survives, anything else is refused with its line's number."""

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasq_core import InvalidInputError, Task, TaskStatus
from tasq_core.task import MAX_INT32
from tasq_core.transfer import from_line, to_line

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
times = st.datetimes(timezones=st.just(UTC))
counts = st.integers(0, MAX_INT32)
tasks = st.builds(
    Task,
    id=st.uuids(), type=texts, args=st.binary(), queue=texts, priority=st.integers(-32768, 32767),
    status=st.sampled_from(TaskStatus), receive_count=counts, max_receives=counts,
    last_error=st.none() | texts, created_at=times, started_at=st.none() | times,
    finished_at=st.none() | times, visible_at=times,
)  # fmt: skip


@given(tasks)
def test_any_task_comes_back_from_its_line(task: Task):
    line = to_line(task)
    assert "\n" not in line
    assert from_line(line) == task


def test_times_are_written_in_utc():
    zone = timezone(timedelta(hours=2))
    task = Task(uuid.UUID(int=1), "a", b"", created_at=datetime(2026, 1, 1, 2, tzinfo=zone))
    assert json.loads(to_line(task))["created_at"] == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    "line", ["", "nonsense", "[]", "5", "null", "{}", '{"id": 1}', "{" * 10_000]
)
def test_what_is_no_task_is_refused_with_its_number(line: str):
    with pytest.raises(InvalidInputError, match="line 7 is not an exported task"):
        from_line(line, 7)


def test_a_field_too_many_or_too_few_is_named():
    row = json.loads(to_line(Task(uuid.UUID(int=1), "a", b"")))
    with pytest.raises(InvalidInputError, match="unknown colour"):
        from_line(json.dumps(row | {"colour": "red"}))
    del row["queue"]
    with pytest.raises(InvalidInputError, match="missing queue"):
        from_line(json.dumps(row))
