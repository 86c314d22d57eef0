"""How many tasks a consumer should hold: enough to keep its workers busy, not a moment more."""

from typing import Final

HORIZON: Final = 0.1
"""Seconds of work to prefetch; prefetched tasks are leased."""

_CLAIMS: Final = 4
_LONGEST_HORIZON: Final = 2.0
"""Where claims are slow, prefetch what lasts for so many of them, and at most so many seconds."""

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

    def update(self, now: float, done: int, latency: float = 0.0) -> int:
        """The size to use now.

        Args:
            now: monotonic seconds.
            done: how many tasks were done until then, ever.
            latency: seconds that the last claim took. A slow disk makes it long, and tasks that
                are claimed one by one would then be done no faster than one a claim.
        """
        elapsed = now - self._measured
        if elapsed >= _SHORTEST:
            horizon = max(HORIZON, min(_CLAIMS * latency, _LONGEST_HORIZON))
            wanted = int((done - self._done) / elapsed * horizon)
            self.size = max(self._floor, min(self._ceiling, max(wanted, self.size // 2)))
            self._done, self._measured = done, now
        return self.size
