"""What wakes the poller, under one condition."""

import threading
from enum import IntEnum

from tasq_core.locks import new_lock


class WakeReason(IntEnum):
    """Why a wait ended, the stronger the higher: of several the strongest is kept."""

    TIMEOUT = 0
    """Nothing happened."""
    RETRY = 1
    """A task of ours falls due at another time than the poller knew."""
    LOOK = 2
    """There may be something to claim, or room for it."""
    HALT = 3
    """It is to end."""


class Alarm:
    """Keeps the strongest reason that came since the last `reset`; HALT stays for good.

    `reset` goes before a look at the database, never after: what comes during the look is
    kept, and ends the next wait at once.
    """

    def __init__(self) -> None:
        self._lock = new_lock()  # a signal handler may ring while its thread does
        self._rung = threading.Condition(self._lock)
        self._reason = WakeReason.TIMEOUT

    @property
    def halted(self) -> bool:
        """Whether it was told to end."""
        return self._reason is WakeReason.HALT

    def ring(self, reason: WakeReason) -> None:
        """End a wait that this reason is strong enough for."""
        with self._lock:
            if reason > self._reason:
                self._reason = reason
                self._rung.notify_all()

    def reset(self) -> None:
        """Forget all but HALT."""
        with self._lock:
            if not self.halted:
                self._reason = WakeReason.TIMEOUT

    def wait(self, seconds: float, least: WakeReason = WakeReason.RETRY) -> WakeReason:
        """Wait for a reason as strong as `least`; a RETRY that was returned is forgotten."""
        with self._lock:
            if not self._rung.wait_for(lambda: self._reason >= least, max(0.0, seconds)):
                return WakeReason.TIMEOUT
            reason = self._reason
            if reason is WakeReason.RETRY:
                self._reason = WakeReason.TIMEOUT
            return reason
