"""The cleaner: deletes finished tasks once they are old."""

from typing import Self

from tasq_core.durations import Duration, seconds
from tasq_core.repository.protocol import Repository

DEFAULT_AGE_SECONDS = 15 * 60.0


class Cleaner:
    """Deletes SUCCESSFUL and FAILED tasks by the age of their creation."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._age = DEFAULT_AGE_SECONDS

    def with_task_age(self, age: Duration) -> Self:
        """Keep what was created less than `age` (seconds or timedelta) ago; 15 minutes if unset."""
        self._age = seconds("age", age)
        return self

    def clean(self) -> int:
        """Delete, in batches; how many."""
        return self._repository.clean_tasks(self._age)
