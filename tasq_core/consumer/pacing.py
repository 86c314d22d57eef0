"""How many tasks a consumer should hold: enough to keep its workers busy, not a moment more."""

from typing import Final

HORIZON: Final = 0.1
"""Seconds of work to prefetch; prefetched tasks are leased."""

_SHORTEST: Final = 0.002
"""Seconds below which a rate says nothing."""


class Window:
    """The number of tasks to hold, following the rate at which they get done.

    With `floor` equal to `ceiling` it is constant. Otherwise quick tasks are claimed by the
    hundred, and of slow ones hardly more than there are workers.
    """

    __slots__ = ("_ceiling", "_done", "_floor", "_measured", "size")

    def __init__(self, floor: int, ceiling: int) -> None:
        self._floor = min(floor, ceiling)
        self._ceiling = ceiling
        self._done = 0
        self._measured = 0.0
        self.size = self._floor

    def update(self, now: float, done: int) -> int:
        """The size to use now, `done` being how many tasks were done until `now`, ever."""
        elapsed = now - self._measured
        if elapsed >= _SHORTEST:
            wanted = int((done - self._done) / elapsed * HORIZON)
            self.size = max(self._floor, min(self._ceiling, max(wanted, self.size // 2)))
            self._done, self._measured = done, now
        return self.size
