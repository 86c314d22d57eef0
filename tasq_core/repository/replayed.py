"""Tasks on their way into the table, which a second try reads again."""

from collections.abc import Iterable, Iterator
from itertools import islice
from struct import Struct
from tempfile import TemporaryFile
from typing import Final, Self
from uuid import UUID

import msgspec

from tasq_core.task import EPOCH, MICROSECOND, Task

_KEPT_BYTES: Final = 24 * 1024 * 1024
"""Of a generator's tasks, what is kept in memory; the rest goes to a temporary file."""
_BLOCK_BYTES: Final = 256 * 1024
"""Of such a file, what is written and read at a time, if no task is larger."""
_TASK_BYTES: Final = 480
"""A task in memory, its arguments apart."""

_Row = tuple[bytes, str, bytes, str, int, int, int, int]
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[_Row])
_LENGTH: Final = Struct("!Q")


class Replayed:
    """An iterable whose source is read once, as far as was needed; what was read is kept.

    With `eager` entering it reads the source to its end; leaving it removes the file. Tasks that
    are `held` by the caller anyway are all kept in memory, of others only the first.
    """

    def __init__(self, source: Iterable[Task], *, eager: bool, held: bool) -> None:
        self.failure: Exception | None = None
        """What the source raised: after that it would seem to be at its end."""
        self._rest = iter(source)
        self._room = float("inf") if held else float(_KEPT_BYTES)
        self._read: list[Task] = []
        self._spilled: _File | None = None
        self._count = 0
        self._eager = eager

    def is_empty(self) -> bool:
        """Whether there is no task at all."""
        return next(iter(self), None) is None

    def __len__(self) -> int:
        """How many were read until now."""
        return self._count

    def __iter__(self) -> Iterator[Task]:
        yield from self._read
        if self._spilled is not None:
            yield from self._spilled
        if self.failure is not None:
            raise self.failure
        while (task := self._next()) is not None:
            self._keep(task)
            yield task

    def in_lists(self, size: int) -> Iterator[list[Task]]:
        """All tasks in order, in lists of `size`, the last one shorter."""
        tasks = iter(self)
        while listed := list(islice(tasks, size)):
            yield listed

    def _next(self) -> Task | None:
        try:
            return next(self._rest, None)
        except Exception as error:
            self.failure = error
            raise

    def _keep(self, task: Task) -> None:
        self._count += 1
        if self._room > 0:
            self._read.append(task)
            self._room -= _TASK_BYTES + len(task.args)
            return
        try:
            if self._spilled is None:
                self._spilled = _File()
            self._spilled.add(task)
        except OSError as error:  # else it would be taken for the database's
            self.failure = error
            raise

    def __enter__(self) -> Self:
        try:
            for _ in self if self._eager else ():
                pass
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._spilled is not None:
            self._spilled.close()


class _File:
    """Tasks as submitted, in a temporary file without a name: blocks, each behind its length."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._end = 0
        self._block: list[_Row] = []
        self._bytes = 0

    def add(self, task: Task) -> None:
        """Append one."""
        self._block.append(_row(task))
        self._bytes += len(task.args)
        if self._bytes + len(self._block) * _TASK_BYTES >= _BLOCK_BYTES:
            self._flush()

    def close(self) -> None:
        """Remove it."""
        self._file.close()

    def __iter__(self) -> Iterator[Task]:
        at = 0
        while at < self._end:
            self._file.seek(at)
            (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
            at += _LENGTH.size + length
            yield from map(_task, _DECODER.decode(self._file.read(length)))
        yield from map(_task, self._block)

    def _flush(self) -> None:
        block = _ENCODER.encode(self._block)
        self._file.seek(self._end)
        self._file.write(_LENGTH.pack(len(block)))
        self._file.write(block)
        self._end += _LENGTH.size + len(block)
        self._block, self._bytes = [], 0


def _row(task: Task) -> _Row:
    """What a submit stores of a task, as plain values: text and numbers may be of a subclass."""
    return (
        task.id.bytes, str.__str__(task.type), bytes(task.args), str.__str__(task.queue),
        int(task.priority), int(task.max_receives), (task.created_at - EPOCH) // MICROSECOND,
        (task.visible_at - EPOCH) // MICROSECOND,
    )  # fmt: skip


def _task(row: _Row) -> Task:
    id, type, args, queue, priority, max_receives, created_at, visible_at = row
    return Task(
        UUID(bytes=id), type, args, queue, priority, max_receives=max_receives,
        created_at=EPOCH + created_at * MICROSECOND, visible_at=EPOCH + visible_at * MICROSECOND,
    )  # fmt: skip
