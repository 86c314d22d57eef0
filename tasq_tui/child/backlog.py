"""Events that wait for a slow reader: bounded, and honest about what didn't fit."""

from collections import deque
from typing import Final

from tasq_tui.child.protocol import AnyEvent, Dropped, Log, Output

DEFAULT_LINES: Final = 1000
DEFAULT_EVENTS: Final = 20_000


class Backlog:
    """A queue that refuses lines beyond one bound and other events beyond another.

    Not safe for threads: its owner holds a lock.
    """

    def __init__(self, lines: int = DEFAULT_LINES, events: int = DEFAULT_EVENTS) -> None:
        self._queue: deque[AnyEvent] = deque()
        self.lost_lines = 0
        """Those dropped since the last `take`."""
        self._lines = self._lost_events = 0
        self._line_bound = lines
        self._event_bound = events

    def __len__(self) -> int:
        return len(self._queue) + bool(self.lost_lines or self._lost_events)

    @property
    def room(self) -> int:
        """How many more lines it takes."""
        return self._line_bound - self._lines

    def drop(self, lines: int) -> None:
        """Count `lines` that weren't even offered."""
        self.lost_lines += lines

    def add(self, event: AnyEvent) -> None:
        """Append `event`, or count it as dropped."""
        if isinstance(event, Output | Log):
            if not self.room:
                self.lost_lines += 1
                return
            self._lines += 1
        elif len(self._queue) - self._lines >= self._event_bound:
            self._lost_events += 1
            return
        self._queue.append(event)

    def take(self) -> list[AnyEvent]:
        """All that waits, in order; at its end a Dropped, where something was."""
        taken = list(self._queue)
        if self.lost_lines or self._lost_events:
            taken.append(Dropped(self.lost_lines, self._lost_events))
        self._queue.clear()
        self._lines = self.lost_lines = self._lost_events = 0
        return taken
