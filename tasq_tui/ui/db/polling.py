"""When to ask again: a poller that schedules itself, never two questions at once."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

from tasq_tui.ui.db.executor import Failure

LONGEST_SECONDS: Final = 10.0
COST_RATIO: Final = 4.0
"""The pause is at least this many times what the question took."""


class Cadence:
    """How long to pause after an answer or a failure. Pure, but for the jitter given.

    Attributes:
        base: the pause between cheap questions, in seconds.
        failures: how many questions failed in a row.
    """

    def __init__(self, base: float = 1.0, jitter: Callable[[], float] = random.random) -> None:
        self.base = base
        self.failures = 0
        self._jitter = jitter

    def after_answer(self, seconds: float) -> float:
        """The pause after an answer that took `seconds`."""
        self.failures = 0
        return max(self.base, COST_RATIO * seconds)

    def after_failure(self) -> float:
        """The pause after a failure: doubling up to 10 s, less up to half of it at random."""
        self.failures += 1
        ceiling = min(self.base * 2.0 ** min(self.failures, 16), LONGEST_SECONDS)
        return ceiling * (1 - self._jitter() / 2)


class Poller:
    """Asks, pauses as long as its cadence says, and asks again.

    Attributes:
        failure: why the last question failed; None if it was answered.
        seconds: how long the last question took.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Failure | None]],
        cadence: Cadence | None = None,
    ) -> None:
        """Make a poller for `ask`, which returns None once it was answered."""
        self.failure: Failure | None = None
        self.seconds = 0.0
        self._ask = ask
        self._cadence = cadence or Cadence()
        self._kicked = asyncio.Event()
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._due: float | None = None

    @property
    def failures(self) -> int:
        """How many questions failed in a row."""
        return self._cadence.failures

    @property
    def paused(self) -> bool:
        """Whether it asks only when woken."""
        return not self._resumed.is_set()

    @property
    def countdown(self) -> float | None:
        """Seconds until it asks again; None while it asks or is paused."""
        if self._due is None or self.paused:
            return None
        return max(self._due - time.monotonic(), 0.0)

    def wake(self) -> None:
        """Ask as soon as may be, even while paused."""
        self._kicked.set()

    def pause(self) -> None:
        """Ask no more until `resume` or `wake`."""
        self._resumed.clear()

    def resume(self) -> None:
        """Go on, and ask at once if it was paused."""
        if self.paused:
            self._resumed.set()
            self._kicked.set()

    async def run(self) -> None:
        """Ask for ever; cancel the task that runs this to stop."""
        while True:
            self._kicked.clear()
            self._due = None
            started = time.monotonic()
            self.failure = await self._ask()
            self.seconds = time.monotonic() - started
            pause = (
                self._cadence.after_answer(self.seconds)
                if self.failure is None
                else self._cadence.after_failure()
            )
            self._due = time.monotonic() + pause
            await self._pause(pause)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._kicked.wait()
        except TimeoutError:
            if self.paused:
                await self._kicked.wait()
