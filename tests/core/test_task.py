"""The task: its fields, its checks, its clock and its statuses."""

import copy
import pickle
import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypedDict

import msgspec
import pytest

from tasq_core import (
    ArgsDecodeError,
    ArgsEncodeError,
    InvalidInputError,
    InvalidTypeError,
    Lease,
    Task,
    TaskStatus,
    TaskStatusGroup,
    get_task_statuses,
)
from tasq_core.task import IMMEDIATELY, MAX_INT32, as_status, check_aware, mark_lease_lost


def test_the_thirteen_fields_are_gos_in_gos_order():
    assert [field.name for field in fields(Task)] == [
        "id", "type", "args", "queue", "priority", "status", "receive_count", "max_receives",
        "last_error", "created_at", "started_at", "finished_at", "visible_at",
    ]  # fmt: skip


def test_a_new_task_is_ready_to_submit():
    before = datetime.now(UTC)
    task = Task.new("email", {"to": "a@b.c"}, "mail", 5, 3)
    assert (task.type, task.queue, task.priority, task.max_receives) == ("email", "mail", 5, 3)
    assert (task.status, task.receive_count, task.visible_at) == (TaskStatus.NEW, 0, IMMEDIATELY)
    assert task.args == b'{"to":"a@b.c"}'
    assert task.id.version == 8
    assert abs(task.created_at - before) < timedelta(seconds=5)
    assert task.created_at.tzinfo is UTC


def test_tasks_of_one_producer_never_share_a_time_of_creation():
    times = [Task.new("a", 1).created_at for _ in range(1000)]
    assert times == sorted(set(times))


def test_a_task_takes_no_further_attributes():
    with pytest.raises(AttributeError):
        Task.new("a", 1).colour = "red"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("max_receives", "receive_count", "expected"),
    [(0, 0, False), (0, 99, False), (1, 0, False), (1, 1, True), (3, 2, False), (3, 3, True), (3, 4, True)],
)  # fmt: skip
def test_the_last_receive_is_the_one_that_uses_them_up(
    max_receives: int, receive_count: int, expected: bool
):
    task = Task.new("a", 1, max_receives=max_receives)
    task.receive_count = receive_count
    assert task.is_last_receive() is expected


def test_visibility_is_set_in_utc():
    task = Task.new("a", 1)
    task.set_visibility(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert task.visible_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert task.visible_at.tzinfo is UTC
    with pytest.raises(InvalidInputError, match="time zone"):
        task.set_visibility(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("hours", [-12, 14])
@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_time_stay_the_ends_of_time(hours: int, year: int):
    zone = timezone(timedelta(hours=hours))
    edge = datetime(1, 1, 1, tzinfo=zone) if year == 1 else datetime(9999, 12, 31, 23, tzinfo=zone)
    assert abs(check_aware("at", edge).year - year) <= 0


# -- arguments -----------------------------------------------------------------------------


@dataclass
class Mail:
    to: str
    copies: int = 1


class MailDict(TypedDict):
    to: str


class MailStruct(msgspec.Struct):
    to: str


@pytest.mark.parametrize("codec", ["json", "gob"])
@pytest.mark.parametrize(
    "value", [{"to": "é", "n": 1}, [1, 2, 3], "text", 7, True, {"a": [{}]}, 1.5]
)
def test_args_come_back_whichever_codec_wrote_them(codec: str, value: Any):
    assert Task.new("a", value, codec=codec).unmarshal_args() == value


@pytest.mark.parametrize("codec", ["json", "gob"])
def test_args_convert_into_a_type(codec: str):
    task = Task.new("a", {"to": "x"}, codec=codec)
    assert task.unmarshal_args(Mail) == Mail("x")
    assert task.unmarshal_args(MailDict) == {"to": "x"}
    assert task.unmarshal_args(MailStruct) == MailStruct("x")
    assert task.unmarshal_args(dict[str, str]) == {"to": "x"}


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"{", b"nonsense", b"\0" * 100])
def test_bytes_that_are_no_args_say_so(data: bytes):
    task = Task(uuid.uuid4(), "a", data)
    with pytest.raises(ArgsDecodeError):
        task.unmarshal_args()


def test_args_of_another_shape_say_where():
    with pytest.raises(ArgsDecodeError, match=r"\$.to"):
        Task.new("a", {"to": 5}).unmarshal_args(Mail)


def test_args_that_cant_be_written_say_so():
    for codec in ("json", "gob"):
        with pytest.raises(ArgsEncodeError):
            Task.new("a", object(), codec=codec)
    with pytest.raises(InvalidInputError, match="xml"):
        Task.new("a", 1, codec="xml")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"type": 5}, InvalidTypeError), ({"type": "a\0"}, InvalidInputError),
        ({"queue": None}, InvalidTypeError), ({"queue": "\ud800"}, InvalidInputError),
        ({"priority": 2**15}, InvalidInputError), ({"priority": "1"}, InvalidTypeError),
        ({"max_receives": -1}, InvalidInputError), ({"max_receives": MAX_INT32 + 1}, InvalidInputError),
        ({"max_receives": True}, InvalidTypeError),
    ],
)  # fmt: skip
def test_a_field_the_table_cant_hold_is_refused(given: dict[str, Any], kind: type[Exception]):
    with pytest.raises(kind, match=next(iter(given))):
        Task.new(**{"type": "a", "args": 1, **given})


# -- leases --------------------------------------------------------------------------------


def test_a_lost_lease_is_a_property_and_no_field():
    task = Task.new("a", 1)
    assert task.lease_lost is False
    mark_lease_lost(task)
    assert task.lease_lost is True
    with pytest.raises(AttributeError):
        task.lease_lost = False  # type: ignore[misc]
    assert "lost" not in repr(task)


def test_a_task_can_be_copied_and_sent_to_another_process():
    task = Task.new("a", {"n": 1})
    assert copy.deepcopy(task) == copy.copy(task) == pickle.loads(pickle.dumps(task)) == task


def test_a_lease_takes_the_last_digits_of_its_time():
    task = Task.new("a", 1)
    task.receive_count, task.visible_at = 4, datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)
    assert Lease.of(task) == Lease(task.id, 4, 456)


# -- statuses ------------------------------------------------------------------------------


def test_status_groups_are_gos():
    assert get_task_statuses(TaskStatusGroup.OPEN) == ["NEW", "ENQUEUED", "IN_PROGRESS"]
    assert get_task_statuses("FINISHED") == ["SUCCESSFUL", "FAILED"]
    assert get_task_statuses(TaskStatusGroup.ALL) == list(TaskStatus)
    with pytest.raises(InvalidInputError, match=r"'HALF'.*OPEN"):
        get_task_statuses("HALF")


def test_a_group_that_was_returned_may_be_changed():
    get_task_statuses("ALL").clear()
    assert len(get_task_statuses("ALL")) == 5


def test_statuses_are_known_by_name_in_any_case():
    assert as_status("failed") is TaskStatus.FAILED
    assert as_status(TaskStatus.NEW) is TaskStatus.NEW
    with pytest.raises(InvalidInputError, match=r"'DONE'.*NEW"):
        as_status("DONE")
