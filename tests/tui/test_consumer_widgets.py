"""The in-flight table, the output and the form, without a child."""

import pytest
from textual.app import App, ComposeResult

from tasq_core.errors import InvalidInputError
from tasq_tui.child.protocol import ClaimedTask, Ending
from tasq_tui.ui.consumer.form import ConsumerForm
from tasq_tui.ui.consumer.in_flight import InFlight
from tasq_tui.ui.consumer.job_log import JobLog
from tasq_tui.ui.consumer.run_lines import widths
from tasq_tui.ui.consumer.runs import Runs, RunState
from tasq_tui.ui.consumer.task_logs import LineLog, LogLine, RunKey
from tasq_tui.ui.text import theme
from tasq_tui.ui.text.sanitize import ControlFilter
from tests.support.builders import make_task

HOSTILE = "[bold]x[/] [/nope] [@click=app.quit]\x1b]0;pwn\x07\x9b31m\u202e\x00日本👩\u200d🚀"
CONTROLS = set("\x1b\x07\x9b\x00\u202e\u200d")


class WidgetApp(App[None]):
    def __init__(self, widget):
        super().__init__()
        self.widget = widget
        self.moves = []
        self.titles = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        theme.register(self)
        self.widget.focus()

    def get_line_filters(self):
        return [*super().get_line_filters(), ControlFilter()]

    def on_in_flight_cursor_moved(self, event: InFlight.CursorMoved) -> None:
        self.moves.append(event.key)

    def on_job_log_titled(self, event: JobLog.Titled) -> None:
        self.titles.append((event.title, event.note))

    def lines(self):
        return [self.widget.render_line(y).text for y in range(self.widget.size.height)]


class Clock:
    now = 50.0

    def __call__(self):
        return self.now


def claimed(count, **fields):
    return [ClaimedTask.of(make_task(**fields)) for _ in range(count)]


def table_of(*tasks):
    clock, runs = Clock(), Runs()
    runs.claim(tasks, 15.0, clock.now)
    return clock, runs, InFlight(clock)


async def test_the_table_shows_what_is_left_of_a_lease():
    clock, runs, table = table_of(*claimed(1))
    app = WidgetApp(table)
    async with app.run_test(size=(80, 12)):
        table.show(runs)
        assert "◐ claimed" in app.lines()[1]
        assert "15s" in app.lines()[1]
        assert "█" not in app.lines()[1]  # pinged in time: a bar a row would only distract
        clock.now += 11
        table.show(runs)

        assert " 4s █▍" in app.lines()[1]


async def test_a_lease_that_was_not_pinged_in_time_is_shown_in_another_colour():
    clock, runs, table = table_of(*claimed(1))
    app = WidgetApp(table)
    async with app.run_test(size=(80, 12)):
        table.show(runs)
        clock.now += 8
        table.show(runs)
        half = {str(s.style.color) for s in table.render_line(1) if "█" in s.text}
        clock.now += 3
        table.show(runs)
        low = {str(s.style.color) for s in table.render_line(1) if "█" in s.text}

    assert half
    assert half != low


@pytest.mark.parametrize("width", [1, 12, 20, 37, 43, 57, 63, 70, 80, 120, 200])
async def test_no_line_of_the_table_is_too_wide(width):
    _, runs, table = table_of(*claimed(2, type=HOSTILE, queue=HOSTILE))
    app = WidgetApp(table)
    async with app.run_test(size=(width, 8)):
        table.show(runs)

        assert {table.render_line(y).cell_length for y in range(8)} == {width}


def test_the_columns_fill_the_width():
    for width in range(40, 300):
        columns = widths(width)
        assert sum(w for _, w in columns) + len(columns) - 1 == width - 2


async def test_the_cursor_keeps_its_run_and_its_line_while_others_come_and_go():
    clock, runs, table = table_of(*(tasks := claimed(30)))
    app = WidgetApp(table)
    async with app.run_test(size=(80, 11)) as pilot:
        table.show(runs)
        await pilot.press("down", *["down"] * 4)
        assert table.current.task == tasks[4]
        line = next(y for y, text in enumerate(app.lines()) if text.startswith("►"))
        for task in tasks[:3]:
            runs.finish(RunKey(task.id), Ending.SUCCEEDED, 0.1, clock.now)
            table.show(runs)

        assert table.current.task == tasks[4]
        assert line - 3 <= next(y for y, t in enumerate(app.lines()) if t.startswith("►")) <= line
        await pilot.press("G")
        assert table.current.task == tasks[0]
        runs.claim(claimed(5), 15, clock.now)
        table.show(runs)
        assert app.lines()[-1].startswith("►")


async def test_without_a_cursor_the_top_is_shown():
    clock, runs, table = table_of(*claimed(3))
    app = WidgetApp(table)
    async with app.run_test(size=(80, 11)) as pilot:
        table.show(runs)
        assert table.current is None
        await pilot.press("down")
        assert app.moves[-1] is not None
        await pilot.press("escape")
        await pilot.pause()

        assert table.current is None
        assert app.moves[-1] is None
        del clock


async def test_a_cursor_on_a_run_that_is_forgotten_goes_to_another():
    clock, runs, table = table_of(*(tasks := claimed(2)))
    app = WidgetApp(table)
    async with app.run_test(size=(80, 11)) as pilot:
        table.show(runs)
        await pilot.press("end")
        runs.release([tasks[1].id], clock.now)
        table.show(runs)
        assert table.current.task == tasks[0]
        runs.release([tasks[0].id], clock.now)
        table.show(runs, ("nothing here",))

        assert table.current is None
        assert "nothing here" in app.lines()[1]


async def test_a_click_puts_the_cursor_on_a_line():
    _, runs, table = table_of(*(tasks := claimed(5)))
    app = WidgetApp(table)
    async with app.run_test(size=(80, 11)) as pilot:
        table.show(runs)
        await pilot.click(InFlight, offset=(10, 3))

        assert table.current.task == tasks[2]


async def test_only_lines_that_changed_are_painted(monkeypatch):
    clock, runs, table = table_of(*(tasks := claimed(5)))
    runs.change(RunKey(tasks[2].id), RunState.RUNNING, clock.now)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 11)) as pilot:
        table.show(runs)
        await pilot.pause()
        painted = []
        monkeypatch.setattr(table, "refresh", lambda *regions, **_: painted.extend(regions))
        table.show(runs)
        assert painted == []
        runs.change(RunKey(tasks[3].id), RunState.RUNNING, clock.now)
        table.show(runs)

        assert [region.y for region in painted] == [4]


async def test_hostile_names_are_shown_inert():
    _, runs, table = table_of(*claimed(1, type=HOSTILE, queue=HOSTILE))
    app = WidgetApp(table)
    async with app.run_test(size=(200, 5)):
        table.show(runs)

        assert not CONTROLS & set("".join(app.lines()))
        assert "[bold]x[/] [/nope]" in app.lines()[1]


def log_of(count, text="line {}"):
    log = LineLog(1000, 1_000_000)
    for number in range(count):
        log.add(LogLine("stdout", text.format(number)))
    return log


async def test_the_log_follows_its_end():
    log, view = log_of(100), JobLog()
    app = WidgetApp(view)
    async with app.run_test(size=(60, 10)):
        view.show("output", log)
        assert app.lines()[-1].strip() == "line 99"
        log.add(LogLine("stdout", "news"))
        view.poll()

        assert app.lines()[-1].strip() == "news"
        assert app.lines()[-2].strip() == "line 99"


async def test_a_log_scrolled_up_stands_still_and_counts_what_comes():
    log, view = log_of(100), JobLog()
    app = WidgetApp(view)
    async with app.run_test(size=(60, 10)) as pilot:
        view.show("output", log)
        await pilot.press("pageup")
        body = app.lines()
        assert body[0].strip() == "line 81"
        for _ in range(5):
            log.add(LogLine("stdout", "news"))
        view.poll()
        assert app.lines() == body
        await pilot.pause()
        assert app.titles[-1] == ("output", "held still, 5 new · End follows")
        await pilot.press("end")

        assert view.following
        assert app.lines()[-1].strip() == "news"


@pytest.mark.slow
async def test_a_log_scrolled_down_to_its_end_follows_again():
    view = JobLog()
    app = WidgetApp(view)
    async with app.run_test(size=(60, 10)) as pilot:
        view.show("output", log_of(100))
        await pilot.press("home")
        assert app.lines()[0].strip() == "line 0"
        await pilot.press(*["pagedown"] * 20)

        assert view.following


async def test_another_log_is_shown_from_its_end():
    view = JobLog()
    app = WidgetApp(view)
    async with app.run_test(size=(60, 10)) as pilot:
        view.show("output", log_of(100))
        await pilot.press("home")
        view.show("other", log_of(50, "other {}"))

        assert view.following
        assert app.lines()[-1].strip() == "other 49"


async def test_long_lines_are_folded_and_tabs_and_controls_are_inert():
    log, view = LineLog(), JobLog()
    log.add(LogLine("error", "x" * 100 + "\ttab " + HOSTILE))
    app = WidgetApp(view)
    async with app.run_test(size=(40, 12)):
        view.show("output of " + HOSTILE, log)
        text = app.lines()

        assert not CONTROLS & set("".join(text))
        assert "".join(line.strip() for line in text[0:4]).replace("\u00d7 ", "").count("x") >= 100
        assert {view.render_line(y).cell_length for y in range(12)} == {40}


async def test_an_empty_log_and_a_tiny_view_are_no_trouble():
    view = JobLog()
    app = WidgetApp(view)
    async with app.run_test(size=(1, 1)) as pilot:
        view.show("output", LineLog())
        await pilot.press("pageup", "home", "end", "down")
        view.show("output", log_of(5))
        await pilot.press("pageup", "home", "end", "down")

        assert view.render_line(0).cell_length == 1


async def fill(form, **values):
    for name, value in values.items():
        form.query_one(f"#consumer-{name}").value = value


async def test_the_form_reads_what_to_consume():
    form = ConsumerForm()
    async with WidgetApp(form).run_test(size=(100, 5)):
        start = form.start(step=False)
        assert (start.queues, start.types, start.concurrency) == (None, None, 4)
        await fill(form, queues='mail, "", a b', types="x,y ,", workers="12", lease="2m")
        start = form.start(step=True)

    assert start.queues == ("mail", "", "a b")
    assert start.types == ("x", "y")
    assert (start.concurrency, start.visibility_timeout, start.step) == (12, 120.0, True)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("workers", "0", "Workers: '0' is not a whole number from 1 to 64"),
        ("workers", "9" * 50, "is not a whole number"),
        ("workers", "four", "Workers: 'four'"),
        ("lease", "1s", "Lease: '1s' is not a time from 2s to 24h"),
        ("lease", "²s", "is not a time"),
        ("lease", "25h", "is not a time"),
        ("lease", "", "is not a time"),
    ],
)
async def test_a_field_that_can_not_be_read_is_refused_and_focused(field, value, message):
    form = ConsumerForm()
    app = WidgetApp(form)
    async with app.run_test(size=(100, 5)) as pilot:
        await fill(form, **{field: value})
        with pytest.raises(InvalidInputError) as caught:
            form.start(step=False)
        await pilot.pause()

        assert message in str(caught.value)
        assert app.focused.id == f"consumer-{field}"


async def test_handlers_entered_before_are_recalled():
    form = ConsumerForm(["old:one", "app.jobs"])
    app = WidgetApp(form)
    async with app.run_test(size=(100, 5)) as pilot:
        assert form.target == "app.jobs"
        form.focus_target()
        await pilot.press("end", *"xy", "up", "up")
        assert form.target == "old:one"
        await pilot.press("down", "down")
        assert form.target == "app.jobsxy"
        form.remember("new")
        await pilot.press("up")

        assert form.target == "new"


async def test_the_last_of_several_names_is_completed():
    form = ConsumerForm()
    app = WidgetApp(form)
    async with app.run_test(size=(100, 5)) as pilot:
        form.suggest(queues=["", "mail", "media"], types=["email"])
        form.focus_options()
        await pilot.press(*"mail,med")
        await pilot.pause()
        await pilot.press("right")

        assert form.start(step=False).queues == ("mail", "media")
