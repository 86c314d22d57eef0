"""Export and restore: every column as it was, in any of the databases."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import Client, InvalidInputError, MutationResult, TaskStatus, TasqError
from tasq_core.task import IMMEDIATELY, MAX_INT32, Task
from tests.support.builders import make_task, make_tasks
from tests.support.databases import BACKENDS, Database

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def one_of_each() -> list[Task]:
    """Tasks whose columns hold everything that every database can hold, oldest first."""
    tasks = [
        make_task(
            status=status,
            last_error="é\n\u2028'\"\\",
            started_at=NOW,
            finished_at=NOW,
            visible_at=NOW,
        )
        for status in TaskStatus
    ]
    tasks += [
        make_task(args=bytes(range(256)), type="", queue="世 🦜"),
        make_task(priority=-32768, receive_count=MAX_INT32, max_receives=MAX_INT32),
        make_task(args=b"", last_error="", visible_at=IMMEDIATELY),
    ]
    for n, task in enumerate(tasks):
        task.created_at = NOW + timedelta(microseconds=n)
    return tasks


@pytest.mark.parametrize("target", BACKENDS)
def test_what_is_exported_is_restored_without_loss_anywhere(
    client: Client, target: str, request: pytest.FixtureRequest, tmp_path: object
):
    tasks = one_of_each()
    assert client.repository.restore_tasks(tasks) == MutationResult(8, 0)
    lines = list(client.new_inspector().export())
    other = _another(target, request, tmp_path)
    try:
        elsewhere = other.client()
        elsewhere.migrate()
        inspector = elsewhere.new_inspector()
        assert inspector.restore(lines) == MutationResult(8, 0)
        assert list(inspector.page(order="oldest").tasks) == tasks
        assert list(inspector.export()) == lines
    finally:
        other.close()


def _another(target: str, request: pytest.FixtureRequest, tmp_path: object) -> Database:
    from tests.support.databases import external_url

    if target == "sqlite":
        return Database("sqlite", f"sqlite:///{tmp_path}/other.db")
    url = external_url(target) or request.getfixturevalue(f"_shared_{target}").url
    return Database(target, url)


def test_restoring_skips_ids_that_exist(client: Client):
    task = make_task(priority=1)
    client.repository.restore_tasks([task])
    changed = make_task(id=task.id, priority=2)
    assert client.repository.restore_tasks([changed, make_task()]) == MutationResult(1, 1)
    assert client.new_inspector().get(task.id).priority == 1
    assert client.repository.restore_tasks([]) == MutationResult(0, 0)


def test_an_export_takes_a_filter_and_goes_oldest_first(client: Client):
    tasks = make_tasks(1500)
    for n, task in enumerate(tasks):
        task.created_at, task.type = NOW + timedelta(microseconds=n), "ab"[n % 2]
    client.repository.submit_tasks(tasks)
    exported = [json.loads(line)["id"] for line in client.new_inspector().export("type:a")]
    assert exported == [str(task.id) for task in tasks[::2]]


def test_a_restore_tells_the_line_that_is_no_task(client: Client):
    client.repository.restore_tasks([make_task()])
    (line,) = client.new_inspector().export()
    with pytest.raises(InvalidInputError, match="line 3"):
        client.new_inspector().restore([line, "", "{}"])


def test_a_refused_restore_writes_nothing_of_its_batch(client: Client):
    good, bad = make_task(), make_task(status=TaskStatus.FAILED, last_error="a\ud800b")
    with pytest.raises(TasqError):
        client.repository.restore_tasks([good, bad])
    assert client.new_inspector().count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("last_error", 5), ("last_error", "a\ud800"), ("priority", 2**15), ("priority", 1.5),
        ("receive_count", -1), ("status", "DONE"), ("status", None), ("id", "xyz"), ("id", 1),
        ("args", "not base64!"), ("args", None), ("type", None), ("queue", "a\0"),
        ("created_at", None), ("created_at", "2026-01-02T03:04:05"), ("started_at", "2026-01-02T03:04:05"),
        ("finished_at", 7), ("visible_at", "soon"),
    ],
)  # fmt: skip
def test_a_line_with_a_value_the_table_cant_hold_is_refused(
    client: Client, field: str, value: object
):
    client.repository.restore_tasks([make_task()])
    (line,) = client.new_inspector().export()
    client.repository.purge_tasks(None, None, None, False)
    row = json.loads(line) | {field: value}
    with pytest.raises(InvalidInputError, match="line 1 is not an exported task"):
        client.new_inspector().restore([json.dumps(row)])
    assert client.new_inspector().count() == 0


@pytest.mark.parametrize("size", [65_535, 65_536, 2_000_000])
def test_a_long_error_is_kept_whole_or_refused(client: Client, size: int):
    task = make_task(status=TaskStatus.FAILED, last_error="e" * size)
    if client.repository.dialect in {"mysql", "mariadb"} and size > 65_535:
        with pytest.raises(InvalidInputError, match="last_error"):
            client.repository.restore_tasks([task])
        assert client.new_inspector().count() == 0
    else:
        client.repository.restore_tasks([task])
        assert client.new_inspector().get(task.id).last_error == task.last_error
