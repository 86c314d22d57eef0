from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import Tree

from tasq_core.args import gob
from tasq_tui.ui.tasks import decoded_args
from tasq_tui.ui.tasks.args import ArgsView
from tasq_tui.ui.text import bars, theme
from tasq_tui.ui.widgets.banner import Banner
from tasq_tui.ui.widgets.lines_view import LinesView
from tasq_tui.ui.widgets.pane import top_line

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
HOSTILE = b'{"[/nope]\\u001b[31m": "[@click=app.quit]\\u202e\\u0007", "x": [1, "\\u009b"]}'


class PanelApp(App[None]):
    def __init__(self, panel: Widget) -> None:
        super().__init__()
        self.panel = panel

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        theme.register(self)


def screen_text(app: App) -> str:
    return "\n".join(
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    )


def tree_labels(view: ArgsView) -> list[str]:
    found, nodes = [], list(view.query_one(Tree).root.children)
    while nodes:
        node = nodes.pop(0)
        found.append(str(node.label))
        nodes = list(node.children) + nodes
    return found


async def test_json_args_are_shown_as_a_tree():
    view = ArgsView()
    view.show(b'{"to": "a@b.c", "tries": [1, 2.5, null], "deep": {"a": {"b": 1}}}')
    async with PanelApp(view).run_test():
        assert tree_labels(view) == [
            'to  "a@b.c"', "tries  [3]", "0  1", "1  2.5", "2  null", "deep  {1}", "a  {1}",
        ]  # fmt: skip


async def test_gob_args_are_shown_as_a_tree():
    view = ArgsView()
    view.show(gob.encode({"to": "x", "n": 7}))
    app = PanelApp(view)
    async with app.run_test():
        assert sorted(tree_labels(view)) == ["n  7", 'to  "x"']
        assert "gob ·" in screen_text(app)


async def test_t_goes_from_tree_to_raw_to_hex():
    view = ArgsView()
    view.show(b'{"a":1}')
    app = PanelApp(view)
    async with app.run_test() as pilot:
        view.query_one(Tree).focus()
        await pilot.press("t")
        await pilot.pause()
        assert '  "a": 1' in screen_text(app)
        await pilot.press("t")
        await pilot.pause()
        assert "7b 22 61 22 3a 31 7d" in screen_text(app)


async def test_args_that_are_neither_are_shown_as_bytes_with_the_reason():
    view = ArgsView()
    view.show(b"\xff\xfe\x00\x01 oops")
    app = PanelApp(view)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "binary · 9 B · hex" in screen_text(app)
        assert "ff fe 00 01 20 6f" in screen_text(app)


async def test_hostile_args_are_shown_inert_in_every_mode():
    view = ArgsView()
    view.show(HOSTILE)
    app = PanelApp(view)
    async with app.run_test() as pilot:
        view.query_one(Tree).focus()
        for _ in range(3):
            await pilot.press("t")
            await pilot.pause()
            text = screen_text(app)
            assert not set("\x1b\x07\x9b\u202e") & set(text)
            assert "nope]" in text


@pytest.mark.parametrize(
    "data",
    [
        b'{"k": "' + b"x" * 30_000_000 + b'"}',
        b"[" + b"1," * 120_000 + b"1]",
        b"\x00" * 30_000_000,
        b"[" * 100_000,
        b"[" * 900 + b"]" * 900,
    ],
    ids=["30 MB text", "many entries", "30 MB zeros", "unclosed", "deep"],
)
async def test_huge_and_deep_args_stay_bounded(data):
    view = ArgsView()
    app = PanelApp(view)
    async with app.run_test(size=(80, 24)) as pilot:
        view.show(data)
        await pilot.pause()
        for _ in range(3):
            view.action_next_mode()
            await pilot.pause()

        assert len(tree_labels(view)) <= decoded_args.CHILDREN + 1
        assert view.query_one(LinesView).virtual_size.height < 6000


async def test_a_branch_makes_its_entries_when_it_is_opened():
    view = ArgsView()
    view.show(b'{"a": {"b": {"c": {"d": 1}}}}')
    async with PanelApp(view).run_test() as pilot:
        node = view.query_one(Tree).root.children[0].children[0]
        assert not node.children
        node.expand()
        await pilot.pause()

        assert str(node.children[0].label) == "c  {1}"


async def test_folded_lines_fill_the_width_and_lose_nothing():
    view = LinesView()
    view.show(["日本" * 30, "short"])
    app = PanelApp(view)
    async with app.run_test(size=(20, 10)) as pilot:
        await pilot.pause()
        shown = [view.render_line(y).text.rstrip() for y in range(10)]

        assert "".join(shown).startswith("日本" * 30)
        assert {view.render_line(y).cell_length for y in range(10)} == {20}


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(0, 60))
def test_a_bar_is_exactly_as_wide_as_asked(value, most, width):
    assert cell_len(bars.bar(min(value, most), most, width)) == width


def test_a_bar_shows_even_one_in_ten_million():
    assert bars.bar(1, 10_000_000, 20).strip()
    assert not bars.bar(0, 10_000_000, 20).strip()


@given(st.lists(st.integers(0, 10**9), max_size=50), st.integers(1, 3))
def test_a_sparkline_has_a_column_for_every_value(values, rows):
    lines = bars.sparkline(values, rows)

    assert [len(line) for line in lines] == [len(values)] * rows
    assert [end != " " for end in lines[-1]] == [value > 0 for value in values]


async def test_the_banner_says_the_cause_and_counts_down_in_view_of_80_columns():
    """A long cause pushed the countdown out of its three lines."""
    banner = Banner()
    app = PanelApp(banner)
    remaining = [7.0]
    async with app.run_test() as pilot:
        assert not banner.display
        cause = "can't reach [b]db\x1b[0m:5432" + ", nor its standby" * 20
        banner.say("error", "Database unavailable", cause, lambda: remaining[0])
        await pilot.pause()
        assert banner.display
        shown = " ".join(screen_text(app).split())
        assert "Database unavailable (next try in 7s): can't reach [b]db␛[0m:5432" in shown

        remaining[0] = None
        banner._draw()
        assert "(trying now…)" in banner.text

        banner.clear()
        await pilot.pause()
        assert not banner.display


@pytest.mark.parametrize(
    ("room", "shown"),
    [(60, "4,936 marked · newest first · following"), (40, "4,936 marked · newest first"),
     (25, "4,936 marked"), (12, "")],
)  # fmt: skip
def test_a_panes_note_gives_up_its_last_parts_where_room_is_short(room, shown):
    """All of it went: whoever had marked thousands of tasks no longer saw how many."""
    line = top_line("Tasks", "4,936 marked · newest first · following", "", room)

    assert line.plain.removeprefix("Tasks").strip(" ─") == shown
    assert line.cell_length == (room if shown else len("Tasks"))
