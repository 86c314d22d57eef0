"""What a consumer may claim now: nothing while quiet, and nothing that is paused."""

from collections.abc import Sequence
from time import monotonic

from tasq_core.fleet.reports import Pause


class Gate:
    """The pauses as last read, and whether the consumer was told to be quiet.

    One thread writes; reading takes no lock, since each change replaces a whole value. A pause
    lapses by this machine's monotonic clock, counted from the database's.
    """

    def __init__(self) -> None:
        self.quiet = False
        self._pauses: tuple[tuple[str, str, float], ...] = ()
        self._now: tuple[float, frozenset[str], frozenset[str]] = (
            float("inf"), frozenset(), frozenset(),
        )  # fmt: skip

    @property
    def next_lapse(self) -> float:
        """The monotonic time at which a pause lapses next."""
        return self._current()[0]

    @property
    def paused_queues(self) -> frozenset[str]:
        """The queues to leave alone."""
        return self._current()[1]

    @property
    def pauses(self) -> list[tuple[str, str]]:
        """(kind, name) of what is paused now."""
        now = monotonic()
        return [(kind, name) for kind, name, until in self._pauses if until > now]

    def open_types(self, types: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `types` that may be claimed."""
        if self.quiet:
            return ()
        paused = self._current()[2]
        return tuple(type for type in types if type not in paused) if paused else types

    def closed_to(self, type: str, queue: str) -> bool:
        """Whether such a task may not be claimed now."""
        _, queues, types = self._current()
        return self.quiet or queue in queues or type in types

    def update(self, pauses: Sequence[Pause]) -> bool:
        """Take over the pauses that hold now; whether anything changed."""
        now = monotonic()
        found = tuple(
            (
                pause.kind,
                pause.name,
                float("inf")
                if pause.until is None
                else now + (pause.until - pause.taken_at).total_seconds(),
            )
            for pause in pauses
        )
        before, self._pauses = self._pauses, found
        self._apply()
        return {pause[:2] for pause in before} != {pause[:2] for pause in found}

    def _current(self) -> tuple[float, frozenset[str], frozenset[str]]:
        if monotonic() >= self._now[0]:
            self._apply()
        return self._now

    def _apply(self) -> None:
        now = monotonic()
        held = [pause for pause in self._pauses if pause[2] > now]
        self._now = (
            min((until for _, _, until in held), default=float("inf")),
            frozenset(name for kind, name, _ in held if kind == "queue"),
            frozenset(name for kind, name, _ in held if kind == "type"),
        )
