"""The producer: builds tasks and submits them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tasq_core.args import Codec
from tasq_core.durations import Duration, seconds
from tasq_core.errors import InvalidInputError, InvalidTypeError
from tasq_core.repository.protocol import Repository
from tasq_core.task import Task


class Producer:
    """Submits tasks; safe to share between threads."""

    def __init__(self, repository: Repository, codec: Codec) -> None:
        self._repository = repository
        self._codec = codec

    def submit(
        self,
        type: str,
        args: Any,
        queue: str = "",
        priority: int = 0,
        max_receives: int = 0,
        *,
        delay: Duration | None = None,
        visible_at: datetime | None = None,
        id: UUID | str | None = None,
        go_type: str | None = None,
        as_struct: bool = False,
        connection: Any = None,
    ) -> Task:
        """Submit one task; once this returns, it is stored.

        Args:
            type: the name its handler is learned under.
            args: plain values, dataclasses, pydantic models, or whatever else the client's
                codec encodes; `RawArgs(data)` stores bytes that are encoded already.
            queue: any text.
            priority: -32768 to 32767, higher is more urgent.
            max_receives: how often it may be claimed; 0 is no limit.
            delay: seconds (or timedelta) before it may be claimed, by the database's clock.
            visible_at: an aware time before which it isn't claimed.
            id: submitting an id that exists changes nothing and returns the stored task.
            go_type: the Go type to write `args` as, say "[]int" or "struct{ID int}"; implies
                gob, whatever the client's codec.
            as_struct: write dicts as Go structs; implies gob.
            connection: your own, whose open transaction the task joins: it is there when you
                commit, and isn't when you roll back. A psycopg, PyMySQL, mysqlclient or sqlite3
                connection, a SQLAlchemy `Connection` or `Session`, Django's connection or
                alias. SQLAlchemy (once its connection is back in the pool) and Django wake
                idle consumers after the commit; elsewhere call `notify()` to do so.

        Raises:
            InvalidInputError: a value the table can't hold, both `delay` and `visible_at`, or
                a connection that is closed, async, without a transaction (it commits each
                statement by itself) or to another database. Nothing was written.
            ArgsEncodeError: the codec can't encode `args` so that they read back equal.
        """
        if delay is not None and visible_at is not None:
            raise InvalidInputError("delay and visible_at say the same thing: pass one of them")
        task = Task.new(
            type, args, queue, priority, max_receives,
            codec=self._codec, go_type=go_type, as_struct=as_struct,
        )  # fmt: skip
        if id is not None:
            task.id = as_task_id(id)
        if visible_at is not None:
            task.set_visibility(visible_at)
        if delay is not None and (wait := seconds("delay", delay)):
            task.visible_at = self._repository.now() + timedelta(seconds=wait)
        return self._repository.submit_task(task, connection=connection)

    def submit_task(self, task: Task, *, connection: Any = None) -> Task:
        """Submit a task made with `Task.new`; its id makes a repeat a no-op."""
        return self._repository.submit_task(task, connection=connection)

    def submit_many(self, tasks: Iterable[Task], *, connection: Any = None) -> int:
        """Submit many in one transaction, by the fastest way the database has.

        Returns: how many were new; ids that exist are skipped.
        """
        return self._repository.submit_tasks(tasks, connection=connection)

    def notify(self, *, connection: Any = None) -> None:
        """Wake idle consumers of tasks that joined your own transaction, after its commit.

        Submits without `connection` do it by themselves; without it a consumer finds such tasks
        at its next poll. `connection`: PostgreSQL notifies at the commit of its open
        transaction, which holds back other such commits meanwhile.
        """
        self._repository.notify(connection=connection)


def as_task_id(id: UUID | str) -> UUID:
    """`id` as a UUID.

    Raises:
        InvalidTypeError: neither a UUID nor text.
        InvalidInputError: no UUID.
    """
    if isinstance(id, UUID):
        return id
    if not isinstance(id, str):
        raise InvalidTypeError(f"id must be a UUID, not {id!r}")
    try:
        return UUID(id)
    except ValueError:
        raise InvalidInputError(
            f"id {id!r} is not a UUID: write 32 hexadecimal digits, with or without dashes"
        ) from None
