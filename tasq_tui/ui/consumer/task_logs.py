"""What handlers wrote, per task and altogether, within bounds. Pure; the text is raw."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

TASK_LINES: Final = 500
TASK_CHARACTERS: Final = 64_000
ALL_LINES: Final = 2000
ALL_CHARACTERS: Final = 256_000
LONGEST_LINE: Final = 2000
_CUT: Final = "…"


class RunKey(NamedTuple):
    """One run of a task's handler, as far as the screen tells runs apart."""

    task_id: UUID
    dry: bool = False


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line as it came."""

    kind: str
    """stdout, stderr, log, warning, error or note; the last is our own word."""
    text: str
    run: RunKey | None = None


class LineLog:
    """The newest lines: what is older than the bounds allow is dropped and counted."""

    def __init__(self, lines: int = TASK_LINES, characters: int = TASK_CHARACTERS) -> None:
        self._lines: deque[LogLine] = deque()
        self._most_lines = lines
        self._most_characters = characters
        self._characters = 0
        self.added = 0
        """How many lines ever came; a view that knows it sees whether there is news."""

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[LogLine]:
        return iter(self._lines)

    def __reversed__(self) -> Iterator[LogLine]:
        return reversed(self._lines)

    @property
    def dropped(self) -> int:
        """How many lines came before the first that is kept."""
        return self.added - len(self._lines)

    def add(self, line: LogLine) -> None:
        """Append `line`."""
        self._lines.append(line)
        self.added += 1
        self._characters += len(line.text)
        while len(self._lines) > self._most_lines or self._characters > self._most_characters:
            self._characters -= len(self._lines.popleft().text)


class TaskLogs:
    """The lines of each run that is shown, and of all of them in the order they came."""

    def __init__(self) -> None:
        self.all = LineLog(ALL_LINES, ALL_CHARACTERS)
        self._by_run: dict[RunKey, LineLog] = {}

    def of(self, run: RunKey | None) -> LineLog:
        """The lines of `run`, none if it has none; all lines for None."""
        return self.all if run is None else self._by_run.get(run) or LineLog()

    def add(self, kind: str, text: str, run: RunKey | None = None) -> None:
        """Take `text`, a line or several, each cut to LONGEST_LINE characters."""
        for piece in text.split("\n"):
            cut = piece if len(piece) <= LONGEST_LINE else piece[: LONGEST_LINE - 1] + _CUT
            line = LogLine(kind, cut, run)
            self.all.add(line)
            if run is not None:
                self._by_run.setdefault(run, LineLog()).add(line)

    def forget(self, run: RunKey) -> None:
        """Drop the lines of a run that isn't shown any more; they stay among all."""
        self._by_run.pop(run, None)
