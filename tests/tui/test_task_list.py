from datetime import timedelta
from typing import Any

import pytest
from textual.app import App, ComposeResult

from tasq_core.repository.protocol import PageOrder
from tasq_core.task import TaskStatus
from tasq_tui.ui.tasks.columns import Layout
from tasq_tui.ui.tasks.keyset import Purpose, answer
from tasq_tui.ui.tasks.list import TaskList
from tasq_tui.ui.text import theme
from tasq_tui.ui.text.sanitize import ControlFilter
from tests.tui.sources import SECOND, START, ComputedSource, ListSource, row

TEN_MILLION = 10_000_000
NARROW, WIDE = (80, 24), (200, 60)
SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "200x60"])


class ListApp(App[None]):
    """A task list over a source; `answering` off leaves its needs waiting."""

    def __init__(self, source=None) -> None:
        super().__init__()
        self.source = source or ComputedSource()
        self.answering = True
        self.clock = START + TEN_MILLION * SECOND
        self.events: list[object] = []
        self.waiting: Any = None

    def compose(self) -> ComposeResult:
        yield TaskList(lambda: self.clock, empty="Nothing matches.")

    def on_mount(self) -> None:
        theme.register(self)
        self.tasks.focus()

    def get_line_filters(self):
        return [*super().get_line_filters(), FILTER]

    @property
    def tasks(self) -> TaskList:
        return self.query_one(TaskList)

    def on_task_list_need(self, event: TaskList.Need) -> None:
        self.waiting = event.need
        if self.answering:
            self.tasks.deliver(event.need, answer(event.need, self.source))

    def on_task_list_cursor_moved(self, event: TaskList.CursorMoved) -> None:
        self.events.append(event)

    on_task_list_selection_changed = on_task_list_cursor_moved
    on_task_list_activated = on_task_list_cursor_moved

    def last(self, kind):
        return next((e for e in reversed(self.events) if isinstance(e, kind)), None)

    def lines(self) -> list[str]:
        return [self.tasks.render_line(y).text for y in range(self.tasks.size.height)]


FILTER = ControlFilter()


@SIZES
async def test_ten_million_rows_fill_the_screen_and_no_line_is_too_wide(size):
    app = ListApp()
    async with app.run_test(size=size) as pilot:
        app.tasks.show_total(TEN_MILLION)
        await pilot.pause()

        assert len(app.tasks.window.visible) == size[1] - 1
        assert {app.tasks.render_line(y).cell_length for y in range(size[1])} == {size[0]}


@pytest.mark.parametrize("width", [1, 2, 3, 8, 20, 39, 55, 63, 69, 80, 103, 119, 139, 200, 500])
def test_the_columns_fill_every_width_exactly(width):
    layout = Layout.of(width)

    used = sum(cells for _, cells in layout.columns) + len(layout.columns) - 1

    assert used == width or (
        used < width
        and all(cells >= column.most for column, cells in layout.columns if column.share)
    )  # names end where they are as long as names get: no gaps on wide screens
    assert all(cells >= 0 for _, cells in layout.columns)


async def test_columns_at_eighty_and_at_two_hundred():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert app.lines()[0].split() == [
            "id", "type", "queue", "prio", "att", "age", "↓", "took",
        ]  # fmt: skip
        await pilot.resize_terminal(*WIDE)
        await pilot.pause()
        assert app.lines()[0].split()[-3:] == ["finished", "took", "error"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("j", 1), ("down", 1), ("j j k", 1), ("k", 0), ("pagedown", 23), ("pagedown pageup", 0),
        ("G", TEN_MILLION - 1), ("end", TEN_MILLION - 1), ("G g", 0), ("G home", 0),
        ("G k k", TEN_MILLION - 3), ("G pageup", TEN_MILLION - 24),
    ],
)  # fmt: skip
async def test_keys_move_the_cursor(keys, expected):
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        for key in keys.split():
            await pilot.press(key)
            await pilot.pause()

        assert TEN_MILLION - 1 - app.tasks.current.id.int == expected
        assert app.last(TaskList.CursorMoved).task_id == app.tasks.current.id


async def test_an_action_is_for_the_marked_tasks_else_for_the_one_under_the_cursor():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert app.tasks.target_ids == (app.tasks.current.id,)
        await pilot.press("space", "space", "j")
        await pilot.pause()

        marked = {TEN_MILLION - 1, TEN_MILLION - 2}
        assert {task_id.int for task_id in app.tasks.target_ids} == marked
        assert {i.int for i in app.last(TaskList.SelectionChanged).ids} == marked


@pytest.mark.slow
async def test_a_range_grows_and_shrinks_with_the_cursor_over_many_screens():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("v")
        for _ in range(30):
            await pilot.press("pagedown")
            await pilot.pause()
        assert len(app.tasks.selected_ids) == 30 * 23 + 1
        for _ in range(29):
            await pilot.press("pageup")
            await pilot.pause()
        assert len(app.tasks.selected_ids) == 23 + 1
        await pilot.press("v", "j")
        assert len(app.tasks.selected_ids) == 23 + 1


async def test_shift_marks_what_it_passes_and_escape_unmarks():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("shift+down", "shift+down")
        assert len(app.tasks.selected_ids) == 3
        await pilot.press("escape")
        assert not app.tasks.selected_ids


async def test_control_a_marks_the_page_and_unmarks_it():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+a")
        assert len(app.tasks.selected_ids) == 23
        await pilot.press("ctrl+a")
        assert not app.tasks.selected_ids


async def test_the_list_is_frozen_while_tasks_are_marked():
    app = ListApp(ListSource([row(i, i) for i in range(100)]))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("space")
        app.source.rows.pop(90)
        app.source.add(row(100, 100))
        app.tasks.poll()
        await pilot.pause()
        assert [t.id.int for t in app.tasks.window.visible] == list(range(99, 76, -1))
        assert "↑ 1 newer" in app.lines()[0]

        await pilot.press("escape")
        await pilot.pause()

        assert [t.id.int for t in app.tasks.window.rows][:2] == [100, 99]
        assert 90 not in {t.id.int for t in app.tasks.window.rows}


async def test_a_held_list_keeps_its_rows_until_it_is_let_go():
    app = ListApp(ListSource([row(i, i) for i in range(10)]))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.tasks.freeze(True)
        app.source.rows.clear()
        app.tasks.poll()
        await pilot.pause()
        assert len(app.tasks.window.visible) == 10

        app.tasks.freeze(False)
        await pilot.pause()

        assert "Nothing matches." in app.lines()[1]


async def test_mouse_points_marks_opens_and_scrolls():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.click(TaskList, offset=(20, 6))
        assert app.tasks.window.cursor == 5
        await pilot.click(TaskList, offset=(0, 3))
        assert app.tasks.selected_ids == {app.tasks.window.rows[2].id}
        await pilot.click(TaskList, offset=(20, 8), times=2)
        assert app.last(TaskList.Activated).task_id == app.tasks.window.rows[7].id
        await pilot._post_mouse_events([_wheel_down()], TaskList, offset=(5, 5))
        await pilot.pause()
        assert app.tasks.window.offset == 3


def _wheel_down():
    from textual.events import MouseScrollDown

    return MouseScrollDown


async def test_only_the_lines_that_changed_are_repainted(monkeypatch):
    app = ListApp(ListSource([row(i, i) for i in range(100)]))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        painted = []
        monkeypatch.setattr(app.tasks, "refresh", lambda *regions, **_: painted.extend(regions))
        app.source.rows[95] = row(95, 95, status=TaskStatus.FAILED)
        app.tasks.poll()
        await pilot.pause()
        assert [region.y for region in painted] == [5]

        painted.clear()
        await pilot.press("j")
        assert [region.y for region in painted] == [1, 2]

        painted.clear()
        app.tasks.poll()
        await pilot.pause()
        assert not painted


async def test_ages_go_on_without_a_query():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.waiting = None
        assert " 1s" in app.lines()[1]

        app.clock += timedelta(minutes=5)
        app.tasks.tick()

        assert " 5m" in app.lines()[1]
        assert app.waiting is None


async def test_hostile_text_is_shown_inert_and_breaks_no_column():
    hostile = "\x1b[31m[/nope][@click=app.quit]\u202e\u200d\n\r\t\x9b👨\u200d👩e" + "\u0301" * 50
    source = ListSource(
        [
            row(i, i, type=hostile[i:] + hostile, queue=hostile, last_error=hostile)
            for i in range(20)
        ]
    )
    for size in (NARROW, WIDE):
        app = ListApp(source)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            for y, text in enumerate(app.lines()[:21]):
                assert not set("\x1b\x9b\n\r\t\u202e\u200d") & set(text)
                assert app.tasks.render_line(y).cell_length == size[0]


async def test_before_the_first_rows_it_says_that_it_loads():
    app = ListApp()
    app.answering = False
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()

        assert "loading…" in app.lines()[0]
        assert "Nothing matches." not in "".join(app.lines())


async def test_a_failure_without_rows_shows_its_reason():
    app = ListApp()
    app.answering = False
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.tasks.fail(app.waiting, "can't reach [b]db[/b]\x1b")

        assert "can't reach [b]db[/b]␛" in app.lines()[1]


async def test_a_failure_keeps_the_rows_dimmed_until_the_next_answer():
    app = ListApp(ListSource([row(i, i) for i in range(5)]))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.answering = False
        app.tasks.poll()
        await pilot.pause()
        app.tasks.fail(app.waiting, "gone")
        assert app.tasks.has_class("-stale")
        assert len(app.tasks.window.visible) == 5

        app.answering = True
        app.tasks.poll()
        await pilot.pause()

        assert not app.tasks.has_class("-stale")


async def test_a_superseded_need_is_replaced_and_its_answer_void():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.answering = False
        app.tasks.poll()
        await pilot.pause()
        stale = app.waiting
        await pilot.press("G")
        await pilot.pause()
        assert app.waiting.purpose is Purpose.BOTTOM

        app.tasks.deliver(stale, answer(stale, app.source))

        assert app.tasks.window.loading


async def test_another_order_shows_its_arrow_and_unmarks():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("space")
        app.tasks.reset(PageOrder.OLDEST)
        await pilot.pause()

        assert "↑" in app.lines()[0]
        assert app.tasks.current.id.int == 0
        assert not app.tasks.selected_ids


async def test_the_scroll_bar_shows_where_one_is():
    app = ListApp()
    async with app.run_test(size=NARROW) as pilot:
        app.tasks.show_total(TEN_MILLION)
        await pilot.pause()

        def thumb():
            return [y for y, line in enumerate(app.lines()) if line.endswith("┃")]

        assert thumb() == [1]
        await pilot.press("pagedown")
        await pilot.pause()
        assert thumb() == [2]
        await pilot.press("G")
        await pilot.pause()
        assert thumb() == [23]


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (12, 3), (40, 1)])
async def test_a_tiny_terminal_breaks_nothing(size):
    app = ListApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("j", "space", "pagedown", "G", "v", "k")
        await pilot.pause()

        assert {app.tasks.render_line(y).cell_length for y in range(size[1])} == {size[0]}
