"""A keyset window: the run of rows around the viewport of a list of any length.

Pure, without a toolkit and without I/O. The window says what it needs (`need`), the caller
reads it (`keyset.answer` is how) and hands it back (`deliver`). One request is out at a time;
an answer to a request that was superseded meanwhile changes nothing.

The rows held are always one contiguous run of the list. The cursor stands on a task, not on
a number: when rows enter or vanish above it, it keeps its task and its screen line; when its
task is gone it goes to the next one that lives. While frozen, rows still change in place, but
none enter or leave: what is gone is in `vanished`, what waits is counted in `newer`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from tasq_core.repository.protocol import PageOrder
from tasq_core.task import Task
from tasq_tui.ui.tasks.keyset import (
    Key,
    Need,
    Purpose,
    Rank,
    Request,
    Reread,
    just_before,
    rank_of,
    rows_before,
    shifted,
    without,
)

PREFETCH_SCREENS: Final = 2
KEPT_SCREENS: Final = 4
LEAST_REACH: Final = 25
PROBE_LIMIT: Final = 100
"""Newer tasks are counted up to here."""


class Window:
    """The rows around the viewport, the cursor, and what is still to be read.

    Attributes:
        order: the list's order.
        height: the viewport's height in rows.
        rows: the run held, in order.
        offset: the index in `rows` of the viewport's first row.
        cursor: the index in `rows` of the cursor; within the viewport.
        at_top: `rows` begins where the list begins.
        at_bottom: `rows` ends where the list ends.
        newer: tasks, up to `PROBE_LIMIT`, that entered at the open end since it was in view.
        vanished: ids of rows that are shown only because the window is frozen.
    """

    def __init__(self, order: PageOrder = PageOrder.NEWEST, height: int = LEAST_REACH) -> None:
        self.order = order
        self.height = height
        self.rows: list[Task] = []
        self.offset = 0
        self.cursor = 0
        self.at_top = self.at_bottom = False
        self.newer = 0
        self.vanished = set[UUID]()
        self._frozen = False
        self._halted = False
        self._serial = 0
        self._request = Request(Purpose.TOP)
        self._refresh_due = self._probe_due = False
        self._before: int | None = None  # rows before the run, while known
        self._after: int | None = None
        self._newest_seen: Key | None = None

    @property
    def visible(self) -> Sequence[Task]:
        """The rows in the viewport."""
        return self.rows[self.offset : self.offset + self.height]

    @property
    def current(self) -> Task | None:
        """The task under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    @property
    def loading(self) -> bool:
        """Whether the rows are about to be replaced, or yet to come."""
        return self._request.jump is not None

    @property
    def frozen(self) -> bool:
        """Whether rows neither enter nor leave."""
        return self._frozen

    def position(self, total: int | None = None) -> tuple[int, int]:
        """Rows before the viewport and in the list, as well as can be told from `total`."""
        before = rows_before(len(self.rows), self._before, self._after, total)
        end = before + len(self.rows)
        return before + self.offset, end if self.at_bottom else max(total or 0, end + 1)

    def need(self) -> Need | None:
        """What to read next; the same until it is delivered, failed or superseded."""
        if self._request.pending is None and not self._halted:
            need = self._most_urgent()
            self._request = self._request.reading(need)
        return self._request.pending

    def deliver(self, need: Need, rows: Sequence[Task]) -> bool:
        """Take the answer to `need`; False if it was superseded and nothing changed."""
        if need != self._request.pending:
            return False
        self._request = self._request.reading(None)
        rows = list(rows)
        match need.purpose:
            case Purpose.TOP | Purpose.BOTTOM | Purpose.SEEK:
                self._land(need, rows)
            case Purpose.EXTEND_DOWN:
                self._extend_down(need, rows)
            case Purpose.EXTEND_UP:
                self._extend_up(need, rows)
            case Purpose.REFRESH:
                self._refreshed(need, rows)
            case Purpose.PROBE:
                self._probed(need, rows)
        self._settle()
        return True

    def fail(self, need: Need) -> None:
        """The read failed: ask nothing more until the next refresh or jump."""
        if need == self._request.pending:
            self._request = self._request.reading(None)
            self._halted = True

    def move(self, delta: int) -> None:
        """Move the cursor by rows; what isn't loaded yet is made up for when it comes."""
        target = self.cursor + self._request.owed + delta
        most, owed = KEPT_SCREENS * self.height, 0
        if target >= len(self.rows) and not self.at_bottom:
            owed = min(target - len(self.rows) + 1, most)
        elif target < 0 and not self.at_top:
            owed = max(target, -most)
        self._request = self._request.owing(owed)
        self._place(target)

    def scroll(self, delta: int) -> None:
        """Move the viewport by rows; the cursor is pushed along at its edges."""
        self._request = self._request.owing(0)
        self.offset += delta
        self._clamp()
        self.cursor = min(max(self.cursor, self.offset), self.offset + self.height - 1)
        self._settle()

    def page(self, pages: int) -> None:
        """Move the cursor and the viewport together by whole screens."""
        line = self.cursor - self.offset
        self.move(pages * self.height)
        self.offset = self.cursor - line
        self._settle()

    def point(self, line: int) -> bool:
        """Put the cursor on a line of the viewport; False if there is no row."""
        if not 0 <= line < len(self.visible):
            return False
        self._request = self._request.owing(0)
        self._place(self.offset + line)
        return True

    def jump_top(self) -> None:
        """Go to the first row of the list, newly entered ones included."""
        if self.at_top and not self.newer and not self.loading:
            self._request = self._request.owing(0)
            self._place(0)
        else:
            self._jump_to(Purpose.TOP)

    def jump_bottom(self) -> None:
        """Go to the last row of the list."""
        if self.at_bottom and not self.loading and not self._frozen:
            self._request = self._request.owing(0)
            self._place(len(self.rows) - 1)
        else:
            self._jump_to(Purpose.BOTTOM)

    def seek(self, key: Key) -> None:
        """Go to the row with `key`, or the next one."""
        self._jump_to(Purpose.SEEK, just_before(key, self.order))

    def reset(self, order: PageOrder | None = None) -> None:
        """Start over at the top. Rows stay till then, but for `order` None: another filter."""
        self.order = order or self.order
        if order is None:
            self._keep([])
        self.newer = 0
        self._newest_seen = None
        self._jump_to(Purpose.TOP)

    def refresh(self) -> None:
        """Read the visible range again, and count what entered at the open end."""
        self._halted = False
        self._refresh_due = self._probe_due = True

    def forget_unseen(self) -> None:
        """Keep only the rows in the viewport: a change made the others old."""
        self._trim(screens=0)

    def resize(self, height: int) -> None:
        """Give the viewport another height; the cursor stays in it."""
        self.height = max(height, 1)
        self._place(self.cursor)

    def freeze(self, frozen: bool) -> None:
        """Let no row enter or leave, or let them again."""
        thawed, self._frozen = self._frozen and not frozen, frozen
        if thawed:
            self._keep([row for row in self.rows if row.id not in self.vanished])
            self.vanished.clear()
            self._settle()
            self.refresh()

    def _most_urgent(self) -> Need | None:
        if not self.rows and not (self.at_top and self.at_bottom) and not self.loading:
            self._request = self._request.going(Purpose.TOP if self.at_top else Purpose.BOTTOM)
        request = self._request
        if request.jump is not None:
            order = self.order.reverse if request.jump is Purpose.BOTTOM else self.order
            limit = self.height + PREFETCH_SCREENS * self._reach
            return self._ask(request.jump, order, request.after, limit)
        shortage = self.offset + self.height - len(self.rows)
        down, up = max(shortage, request.owed), max(shortage, -request.owed)
        if needed := self._ask_rows(down=down, up=up):
            return needed
        if self._refresh_due:
            return self._ask_refresh()
        if self._probe_due and self._newest_seen is not None:
            self._probe_due = False
            return self._ask(Purpose.PROBE, self._rising, self._newest_seen, PROBE_LIMIT)
        wanted = PREFETCH_SCREENS * self._reach
        return self._ask_rows(down=wanted + shortage, up=wanted - self.offset)

    def _ask_rows(self, *, down: int, up: int) -> Need | None:
        """A request for more rows at the end where some are missing, the bottom first."""
        limit = PREFETCH_SCREENS * self._reach
        if not self.rows:
            return None
        if down > 0 and not self.at_bottom:
            return self._ask(Purpose.EXTEND_DOWN, self.order, self.key(self.rows[-1]), limit)
        if up > 0 and not self.at_top:
            return self._ask(Purpose.EXTEND_UP, self.order.reverse, self.key(self.rows[0]), limit)
        return None

    def _ask(self, purpose: Purpose, order: PageOrder, after: Key | None, limit: int) -> Need:
        self._serial += 1
        return Need(self._serial, purpose, order, after, limit)

    def _ask_refresh(self) -> Need:
        self._refresh_due = False
        if not (visible := self.visible):
            return self._ask(Purpose.REFRESH, self.order, None, self.height + self._reach)
        from_top = self.at_top and not self.offset and not self._frozen
        after = None if from_top else just_before(self.key(visible[0]), self.order)
        return self._ask(Purpose.REFRESH, self.order, after, self.height + 1)

    @property
    def _rising(self) -> PageOrder:
        return self.order.reverse if self.order.descends else self.order

    @property
    def _reach(self) -> int:
        return max(self.height, LEAST_REACH)

    def _jump_to(self, purpose: Purpose, after: Key | None = None) -> None:
        self._request = Request(purpose, after)
        self._halted = False

    def _land(self, need: Need, rows: list[Task]) -> None:
        ended = len(rows) < need.limit
        if need.purpose is Purpose.SEEK and not rows:
            self._request = self._request.going(Purpose.BOTTOM)
            return
        self.vanished.clear()
        self._request = Request()
        if need.purpose is Purpose.BOTTOM:
            rows.reverse()
            self.at_top, self.at_bottom = ended, True
            self._before, self._after = None, 0
            self.cursor = len(rows) - 1
        else:
            self.at_top, self.at_bottom = need.after is None, ended
            self._before, self._after = (0 if self.at_top else None), None
            self.cursor = 0
        self.rows = rows
        self.offset = self.cursor - self.height + 1 if need.purpose is Purpose.BOTTOM else 0

    def _extend_down(self, need: Need, rows: list[Task]) -> None:
        if not self.rows or need.after != self.key(self.rows[-1]):
            return
        self.at_bottom = len(rows) < need.limit
        self._after = shifted(self._after, -len(rows))
        self._keep(without(self.rows, rows) + rows)
        if self._request.owed > 0:
            self.move(0)

    def _extend_up(self, need: Need, rows: list[Task]) -> None:
        if not self.rows or need.after != self.key(self.rows[0]):
            return
        self.at_top = len(rows) < need.limit
        self._before = shifted(self._before, -len(rows))
        self._keep(rows[::-1] + without(self.rows, rows))
        if self._request.owed < 0:
            self.move(0)

    def _refreshed(self, need: Need, rows: list[Task]) -> None:
        """Let `rows` stand for all that lies in the range they cover."""
        read = Reread.of(need, rows)
        ranks = [self.rank(row) for row in self.rows]
        if self._frozen:
            gone = read.change_in_place(self.rows, ranks)
            self.vanished = (self.vanished | gone) - {row.id for row in rows}
            return
        if ranks and read.is_after(ranks[-1]):
            return  # the viewport has moved on; nothing ties these rows to the run
        if ranks and read.is_before(ranks[0]):
            self.at_top = False  # more entered above than was read: extending will get them
            return
        if not (ranks and read.is_before(ranks[-1])):
            self.at_bottom = read.end is None
        self._keep(read.spliced_into(self.rows, ranks))
        # Rows may have moved into view that were not read again.
        self._refresh_due |= bool(self.rows) and read.is_after(self.rank(self.rows[self.offset]))

    def _probed(self, need: Need, rows: list[Task]) -> None:
        if need.after != self._newest_seen:
            return
        self.newer = len(rows)
        if not rows or not self.rows or self._frozen:
            return
        furthest = self.key(rows[-1])
        if self.order.descends and furthest > self.key(self.rows[0]):
            self.at_top = False
        elif not self.order.descends and furthest > self.key(self.rows[-1]):
            self.at_bottom = False

    def key(self, task: Task) -> Key:
        """What `task` stands in the list by."""
        return self.order.place(task)

    def rank(self, task: Task) -> Rank:
        """Where `task` stands in the list's order."""
        return rank_of(self.key(task), self.order)

    def _keep(self, rows: list[Task]) -> None:
        """Replace the run; the cursor keeps its task and its line, or takes the next living."""
        line, old = self.cursor - self.offset, self.current
        self.rows = rows
        if old is not None:
            self.cursor = min(bisect_left(rows, self.rank(old), key=self.rank), len(rows) - 1)
        self.offset = self.cursor - line
        self._clamp()

    def _place(self, index: int) -> None:
        self.cursor = min(max(index, 0), max(len(self.rows) - 1, 0))
        self.offset = min(max(self.offset, self.cursor - self.height + 1), self.cursor)
        self._settle()

    def _settle(self) -> None:
        """Restore what always holds: bounds, bounded memory, what was seen."""
        self._clamp()
        self._trim()
        self._before = 0 if self.at_top else self._before
        self._after = 0 if self.at_bottom else self._after
        if not self.loading and self.rows:
            self._note_seen()

    def _clamp(self) -> None:
        self.cursor = min(max(self.cursor, 0), max(len(self.rows) - 1, 0))
        self.offset = min(max(self.offset, 0), max(len(self.rows) - self.height, 0))

    def _trim(self, screens: int = KEPT_SCREENS) -> None:
        kept = screens * self._reach
        if (excess := self.offset - kept) > 0:
            del self.rows[:excess]
            self.offset -= excess
            self.cursor -= excess
            self.at_top = False
            self._before = shifted(self._before, excess)
        if (excess := len(self.rows) - self.offset - self.height - kept) > 0:
            del self.rows[-excess:]
            self.at_bottom = False
            self._after = shifted(self._after, excess)

    def _note_seen(self) -> None:
        if self.order.descends:
            in_view, key = self.at_top and not self.offset, self.key(self.rows[0])
        else:
            shown = self.offset + self.height >= len(self.rows)
            in_view, key = self.at_bottom and shown, self.key(self.rows[-1])
        if in_view and (self._newest_seen is None or key > self._newest_seen):
            self._newest_seen, self.newer = key, 0
