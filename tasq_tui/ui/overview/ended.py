"""What ended by minute: all of a range read seldom, the last minutes each second."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from tasq_core.task import TaskStatus
from tasq_tui.ui.overview.verdict import Ends

Minute = tuple[datetime, TaskStatus, int]
TAIL = timedelta(minutes=3)
"""What is read each second: an outcome is written seconds after its end, not minutes."""
_MINUTE = timedelta(minutes=1)


class Ended:
    """Ends by minute, from two readings."""

    def __init__(self) -> None:
        self.minutes = Counter[tuple[datetime, TaskStatus]]()

    def replace(self, read: Iterable[Minute]) -> None:
        """Forget all, and take what was read of the whole range."""
        self.minutes = _counted(read)

    def update(self, read: Iterable[Minute], since: datetime) -> None:
        """Take what was read since `since`; its first minute, which is cut, is left as it was."""
        first = _floor(since) + _MINUTE
        fresh = {key: number for key, number in _counted(read).items() if key[0] >= first}
        kept = {key: number for key, number in self.minutes.items() if key[0] < first}
        self.minutes = Counter(kept | fresh)

    def since(self, begin: datetime) -> Ends:
        """What ended in the whole minutes since `begin`."""
        done = failed = 0
        for (minute, status), number in self.minutes.items():
            if minute >= _floor(begin):
                if status is TaskStatus.FAILED:
                    failed += number
                else:
                    done += number
        return Ends(done, failed)


def _counted(read: Iterable[Minute]) -> Counter[tuple[datetime, TaskStatus]]:
    counted = Counter[tuple[datetime, TaskStatus]]()
    for minute, status, number in read:
        counted[_floor(minute), status] += number
    return counted


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
