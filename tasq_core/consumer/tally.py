"""Counts of one run of a consumer: what became of its tasks."""

from collections.abc import Iterable

from tasq_core.consumer.job import Job

_OUTCOMES = ("failed", "retried", "timed out", "snoozed", "cancelled")


class Tally:
    """Counts by outcome. The outcome writer's thread adds; any thread may read."""

    def __init__(self) -> None:
        self.claimed = 0
        self.lost = 0
        self._succeeded = 0
        self._others = dict.fromkeys(_OUTCOMES, 0)

    def add(self, jobs: Iterable[Job], number: int) -> None:
        """Count `number` jobs whose outcomes are written."""
        others = [job.attempt for job in jobs if job.attempt is not None]
        self._succeeded += number - len(others)
        for outcome in others:
            self._others[outcome] += 1

    @property
    def counts(self) -> dict[str, int]:
        """By name."""
        return {
            "claimed": self.claimed, "succeeded": self._succeeded, **self._others,
            "lost": self.lost,
        }  # fmt: skip
