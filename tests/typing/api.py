"""What a type checker must make of the public API: checked with mypy --strict, never run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_type
from uuid import UUID

import tasq_core as tasq
from tasq_core import aio


@dataclass
class Mail:
    """Arguments of a task."""

    to: str


def quick_start() -> None:
    """The README's first lines."""
    with tasq.connect("sqlite://", prefix="x", codec="gob", read_only=True) as client:
        assert_type(client, tasq.Client)
        client.migrate()
        producer = client.new_producer()
        assert_type(producer.submit("email", {"to": "x"}, queue="mail", delay=5), tasq.Task)
        assert_type(producer.submit("raw", tasq.RawArgs(b"1"), delay=timedelta(1)), tasq.Task)
        assert_type(producer.submit("go", [1], go_type="[]int"), tasq.Task)
        assert_type(producer.submit_many([tasq.Task.new("a", 1)]), int)
        consumer = client.new_consumer().with_queues("mail").with_max_active_tasks(32)
        assert_type(consumer, tasq.Consumer)

        @consumer.handler("email")
        def send(task: tasq.Task) -> None:
            assert_type(task.unmarshal_args(Mail), Mail)
            assert_type(task.unmarshal_args(dict[str, int]), dict[str, int])
            assert_type(task.lease_lost, bool)

        @consumer.handler("sync")
        async def sync(task: tasq.Task) -> None:
            if task.receive_count > 1:
                raise tasq.Snooze(timedelta(seconds=5))
            if task.priority:
                raise tasq.Retry(2.5, "busy") from None
            raise tasq.Discard("no use")

        consumer.learn("other", send, override=True)
        consumer.run(workers=8)


def inspect(inspector: tasq.Inspector, id: UUID) -> None:
    """Reading and changing by hand."""
    assert_type(inspector.get(id), tasq.Task)
    assert_type(inspector.count("NEW", ["a"], None), int)
    assert_type(inspector.scan(tasq.TaskStatus.FAILED), list[tasq.Task])
    assert_type(inspector.page("status:failed", after=None), tasq.Page)
    assert_type(inspector.page().tasks, tuple[tasq.Task, ...])
    assert_type(inspector.requeue(id, str(id), reset=True), tasq.MutationResult)
    assert_type(inspector.delete(True, id), tasq.MutationResult)
    assert_type(inspector.purge(True, statuses=["FAILED"]), int)
    assert_type(inspector.summary(), tasq.Summary)
    assert_type(inspector.export(), Iterator[str])
    wanted = tasq.Filter.parse("status:failed") & tasq.Filter.in_state("stale")
    assert_type(wanted & tasq.Filter.created_before(timedelta(days=7)), tasq.Filter)
    assert_type(inspector.count(tasq.TaskStatusGroup.OPEN, where=wanted), int)
    assert_type(inspector.requeue(where="status:failed"), tasq.MutationResult)
    assert_type(inspector.delete(True, where=wanted), tasq.MutationResult)


def repositories(connection: Any) -> list[tasq.Repository]:
    """Each class is a Repository."""
    return [
        tasq.SQLiteRepository("sqlite://"),
        tasq.PostgresRepository("postgresql://h/d", "x", pool_size=3),
        tasq.MySQLRepository(connection, time_zone="local"),
        tasq.open_repository("sqlite://"),
    ]


def go_names(repository: tasq.Repository, task: tasq.Task) -> None:
    """Go's methods, by Go's arguments."""
    assert_type(repository.poll_tasks(["a"], "q", timedelta(seconds=5)), list[tasq.Task])
    assert_type(repository.ping_tasks([task.id], 5), list[tasq.Task])
    assert_type(repository.register_finish(task, "FAILED"), tasq.Task)
    assert_type(repository.ping_leases([tasq.Lease.of(task)], 5.5), set[tasq.Lease])


async def awaited() -> None:
    """The async face has the sync arguments and results."""
    async with await aio.connect("sqlite://", prefix="x", codec="gob") as client:
        assert_type(client, aio.AsyncClient)
        await client.migrate(notify=False)
        producer, inspector = client.new_producer(), client.new_inspector()
        assert_type(await producer.submit("a", 1, queue="mail", connection=object()), tasq.Task)
        assert_type(await producer.submit_many([tasq.Task.new("a", 1)]), int)
        assert_type(await inspector.count(where="status:failed"), int)
        assert_type(await inspector.scan(limit=5), list[tasq.Task])
        async for line in inspector.export():
            assert_type(line, str)
        consumer = client.new_consumer(poll_interval=1).with_queues("mail").with_name("x")
        assert_type(consumer, aio.AsyncConsumer)
        await consumer.run(workers=8, stop_timeout=5)
        assert_type(await client.new_cleaner().with_task_age(5).clean(), int)
