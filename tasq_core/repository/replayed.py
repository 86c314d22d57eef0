"""Tasks on their way into the table, which a second try reads again."""

from collections.abc import Iterable, Iterator

from tasq_core.task import Task


class Replayed:
    """An iterable whose source is read once, as far as was needed; what was read is kept.

    With `eager` the source is read to its end before anything else is done.
    """

    def __init__(self, source: Iterable[Task], *, eager: bool) -> None:
        self.failure: Exception | None = None
        """What the source raised: after that it would seem to be at its end."""
        self._rest = iter(source)
        self._read = list(self._rest) if eager else []

    def is_empty(self) -> bool:
        """Whether there is no task at all."""
        return next(iter(self), None) is None

    def __len__(self) -> int:
        """How many were read until now."""
        return len(self._read)

    def __iter__(self) -> Iterator[Task]:
        yield from self._read
        if self.failure is not None:
            raise self.failure
        keep = self._read.append
        while (task := self._next()) is not None:
            keep(task)
            yield task

    def _next(self) -> Task | None:
        try:
            return next(self._rest, None)
        except Exception as error:
            self.failure = error
            raise
