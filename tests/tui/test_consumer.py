"""The consumer screen, its keys and its rules, with real handlers in a real process."""

import json
import time

import pytest

from tasq_core.task import TaskStatus
from tasq_tui.ui.consumer import control
from tasq_tui.ui.consumer.in_flight import InFlight
from tasq_tui.ui.consumer.job_log import JobLog
from tasq_tui.ui.consumer.runs import RunState
from tasq_tui.ui.consumer.task_logs import RunKey
from tasq_tui.ui.tasks.args import ArgsView
from tests.child.listening import group_is_gone
from tests.support.builders import make_task
from tests.tui.consuming import SCREEN_SIZES, consumer


@pytest.fixture
def open_consumer(tmp_path, monkeypatch):
    return lambda **options: consumer(tmp_path, monkeypatch, **options)


SIZES = pytest.mark.parametrize("size", SCREEN_SIZES, ids=["80x24", "160x48"])


async def test_nothing_runs_before_handlers_are_loaded(open_consumer):
    async with open_consumer() as driver:
        await driver.sees("no handlers yet: name them as module:attr; Enter loads them")

        assert "Start" not in driver.footer
        assert "Load" in driver.footer
        await driver.press("s", "w", "S", "K", "x", "e", "n", "r", "ctrl+r")
        assert not driver.model.loading


async def test_handlers_are_loaded_by_name_and_remembered(open_consumer):
    async with open_consumer() as driver:
        await driver.load("shop_jobs:handlers")
        assert "Start" in driver.footer
        assert isinstance(driver.app.focused, InFlight)
    async with open_consumer() as driver:
        await driver.sees("shop_jobs:handlers")


async def test_handlers_that_can_not_be_loaded_are_told_with_the_reason(open_consumer):
    async with open_consumer() as driver:
        await driver.enter("no_such_jobs")
        await driver.sees("no module 'no_such_jobs'")
        await driver.load()

        assert "no module" not in driver.text.split("Output")[0]


@SIZES
async def test_the_field_of_handlers_says_that_enter_loads_them(open_consumer, size):
    """`l Load` leads to a field that is filled in the demo: nothing said how to go on."""
    async with open_consumer(size=size) as driver:
        await driver.press("l")

        await driver.sees("⏎ Load")
        await driver.press("tab")
        await driver.sees("⏎ Next")


async def test_an_empty_name_is_refused(open_consumer):
    async with open_consumer() as driver:
        await driver.press("l", "enter")
        await driver.sees("name the handlers to load: module:attr")
        await driver.press("escape")
        await driver.sees("no handlers yet")


@pytest.mark.slow
@SIZES
async def test_tasks_are_consumed_until_stopped(open_consumer, size):
    async with open_consumer(size=size) as driver:
        await driver.load()
        good, bad = driver.submit("prints"), driver.submit("fails", max_receives=1)
        await driver.press("s")
        await driver.sees("consuming", "1 succeeded · 1 failed", "✓ succeeded", "\u00d7 failed")
        assert "Stop" in driver.footer
        await driver.press("S")
        await driver.until(lambda: not driver.model.busy)

        assert driver.row(good).status is TaskStatus.SUCCESSFUL
        assert driver.row(bad).status is TaskStatus.FAILED


@pytest.mark.slow
async def test_only_the_queues_and_types_chosen_are_consumed(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        left = [driver.submit("prints"), driver.submit("later", queue="mail")]
        taken = driver.submit("prints", queue="mail")
        await driver.press("o", *"mail", "tab", *"prints", "escape", "s")
        await driver.until(lambda: driver.row(taken).status is TaskStatus.SUCCESSFUL)
        await driver.sees("no task to claim")

        assert [driver.row(id).receive_count for id in left] == [0, 0]


async def test_a_field_that_can_not_be_read_starts_nothing(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.consumer.query_one("#consumer-workers").value = "many"
        await driver.press("s")
        await driver.sees("Workers: 'many' is not a whole number from 1 to 64")

        assert not driver.model.busy


async def test_a_type_without_a_handler_is_refused_by_the_child(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.consumer.query_one("#consumer-types").value = "unheard_of"
        await driver.press("s")
        await driver.sees("no handler for task type 'unheard_of' is loaded")

        assert not driver.model.busy


async def test_a_read_only_session_refuses_to_consume_but_runs_dry(open_consumer):
    async with open_consumer(read_only=True) as driver:
        await driver.enter("shop_jobs")
        await driver.sees("read-only: dry runs only")
        task_id = driver.submit("prints")
        await driver.press("s")
        assert not driver.model.busy
        driver.consumer.dry_run(driver.row(task_id))
        await driver.press("x")
        await driver.sees("hello prints", "✓ dry")

        assert driver.row(task_id).receive_count == 0


@pytest.mark.slow
async def test_a_profile_that_asks_before_changes_asks_before_consuming(open_consumer):
    async with open_consumer(confirm=True, profile="prod") as driver:
        await driver.load()
        task_id = driver.submit("prints")
        await driver.press("s")
        await driver.sees("Consume?", "will run on tasks of prod")
        await driver.press("enter")
        assert not driver.model.busy
        await driver.press("s", "y")
        await driver.until(lambda: driver.row(task_id).status is TaskStatus.SUCCESSFUL)


@pytest.mark.slow
@SIZES
async def test_step_mode_shows_a_task_and_runs_it_when_told(open_consumer, size):
    async with open_consumer(size=size) as driver:
        await driver.load()
        first = driver.submit("prints", {"to": "ada@example.org", "n": [1, 2]})
        second = driver.submit("prints", {"to": "bob@example.org"})
        assert await driver.step() == first
        question = f"prints {first.hex[:8]} waits: e run · n skip · f fail · r requeue"
        await driver.sees(question, "◆ waiting", '"ada@example.org"')
        assert "e Run  n Skip  f Fail  r Requeue" in driver.footer
        assert driver.row(first).status is TaskStatus.ENQUEUED
        await driver.decide("e")
        await driver.sees("hello prints", '"bob@example.org"')

        assert driver.model.waiting == second
        assert driver.row(first).status is TaskStatus.SUCCESSFUL


@pytest.mark.slow
async def test_a_skipped_task_is_given_back_uncounted(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        first, _ = driver.submit("prints"), driver.submit("prints")
        await driver.step()
        await driver.decide("n")
        await driver.sees("← given back")

        row = driver.row(first)
        assert (row.status, row.receive_count) == (TaskStatus.NEW, 0)


@pytest.mark.slow
async def test_a_task_is_failed_with_a_reason(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        task_id = driver.submit("prints")
        await driver.step()
        await driver.press("f")
        await driver.sees("Fail the task", f"Why prints {task_id.hex[:8]} fails")
        await driver.press("escape")
        assert driver.model.waiting == task_id
        await driver.press("f", *"spam", "enter")
        await driver.sees("\u00d7 failed")

        row = driver.row(task_id)
        assert row.status is TaskStatus.FAILED
        assert row.last_error == "spam"


async def test_a_requeued_task_counts_its_receive(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        task_id = driver.submit("prints")
        await driver.step()
        await driver.press("r")
        await driver.until(lambda: driver.model.runs.ended[RunState.REQUEUED])
        await driver.press("S")
        await driver.until(lambda: not driver.model.busy)

        row = driver.row(task_id)
        assert (row.status, row.receive_count) == (TaskStatus.NEW, 1)


@pytest.mark.slow
async def test_a_key_that_bounces_decides_on_one_task_only(open_consumer, monkeypatch):
    monkeypatch.setattr(control, "DOUBLE_PRESS_SECONDS", 30)
    async with open_consumer() as driver:
        await driver.load()
        ids = [driver.submit("prints") for _ in range(4)]
        await driver.step()
        await driver.press("e", "e", "e", "e")
        await driver.until(lambda: driver.model.waiting not in (None, ids[0]))

        states = [driver.row(id).status for id in ids]
        assert states.count(TaskStatus.SUCCESSFUL) == 1


@pytest.mark.slow
async def test_stop_gives_the_task_that_waits_back(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        task_id = driver.submit("prints")
        await driver.step()
        await driver.press("S")
        await driver.until(lambda: not driver.model.busy and "Run" not in driver.footer)

        assert driver.row(task_id).receive_count == 0


async def test_a_dry_run_is_offered_first_and_leaves_the_table_alone(open_consumer):
    async with open_consumer() as driver:
        task_id = driver.submit("fails", {"for": "ada"}, max_receives=1)
        driver.consumer.dry_run(driver.row(task_id))
        await driver.sees("load its handler first", '"ada"')
        await driver.enter("shop_jobs")
        await driver.sees("Its handler really runs; the table stays")
        await driver.press("x")
        await driver.sees("\u00d7 dry", "ValueError: no such address", "Traceback")

        row = driver.row(task_id)
        assert (row.status, row.receive_count, row.last_error) == (TaskStatus.NEW, 0, None)


async def test_an_offer_is_left_with_escape(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.consumer.dry_run(make_task(type="prints"))
        await driver.sees("dry run of prints")
        await driver.press("escape")
        await driver.sees("ready ·")

        assert "Dry run" not in driver.footer


async def test_a_dry_run_of_a_type_without_handler_is_refused(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.consumer.dry_run(make_task(type="[bold]x\x1b"))
        await driver.press("x")
        await driver.sees("no handler for task type '[bold]x␛' is loaded")


async def test_a_task_that_ran_can_be_run_dry_again(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        task_id = driver.submit("prints")
        await driver.press("s")
        await driver.sees("✓ succeeded")
        await driver.press("down", "x")
        await driver.sees("✓ dry")

        assert driver.model.runs.get(RunKey(task_id, dry=True)).state is RunState.SUCCEEDED
        assert driver.row(task_id).receive_count == 1


@pytest.mark.slow
async def test_the_output_of_one_task_is_shown_when_it_is_chosen(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.submit("prints"), driver.submit("fails", max_receives=1)
        driver.consumer.query_one("#consumer-workers").value = "1"
        await driver.press("s")
        await driver.sees("✓ succeeded", "\u00d7 failed")
        await driver.press("end")
        await driver.sees("Output of prints")
        assert "ValueError" not in driver.text
        await driver.press("home")
        await driver.sees("Output of fails", "ValueError: no such address")
        await driver.press("escape")
        await driver.sees("Output of all tasks")


async def test_arguments_that_came_cut_are_read_in_full(open_consumer):
    async with open_consumer(size=(160, 48)) as driver:
        await driver.load()
        args = {"filler": "x" * 20_000, "last": "the very end"}
        driver.submit("prints", args)
        await driver.step()
        await driver.sees('"the very end"')

        shown = driver.consumer.query_one(ArgsView)._args
        assert shown.value == json.loads(json.dumps(args))


@pytest.mark.slow
async def test_hostile_output_is_inert(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.submit("escapes", {"[/nope]": "\x1b[31m"})
        driver.submit("prints")
        await driver.press("w")
        await driver.until(lambda: driver.model.waiting)
        await driver.decide("e")
        await driver.sees("[bold]")

        assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(driver.text)


@pytest.mark.serial
async def test_a_flood_of_output_leaves_the_keys_at_work(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        for _ in range(3):
            driver.submit("floods"), driver.submit("floods_past_python")
        await driver.press("s")
        begun = time.monotonic()
        await driver.press("down", "up", "escape")
        assert time.monotonic() - begun < 3
        await driver.until(lambda: sum(driver.model.runs.ended.values()) == 6)

        assert len(driver.model.logs.all) <= 2000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("type_", "reason"),
    [("dies", "exited with status 7"), ("segfaults", "was killed by SIGSEGV")],
)
async def test_a_death_is_told_and_ctrl_r_goes_on(open_consumer, type_, reason):
    async with open_consumer() as driver:
        await driver.load()
        task_id = driver.submit(type_)
        await driver.press("s")
        await driver.sees(reason, "its task comes back")
        await driver.sees("! abandoned")
        assert "last words" in [line.text for line in driver.model.logs.all]
        assert driver.model.runs.get(RunKey(task_id)).state is RunState.ABANDONED
        await driver.press("ctrl+r")
        await driver.sees("ready ·")
        driver.submit("prints")
        await driver.press("o", "tab", *"prints", "escape", "s")
        await driver.sees("✓ succeeded")


async def test_reload_runs_the_new_code_and_goes_on_consuming(open_consumer, tmp_path):
    async with open_consumer() as driver:
        await driver.load()
        await driver.press("s")
        await driver.sees("consuming")
        old = driver.consumer.control._pool._current.pid
        (tmp_path / "shop_jobs.py").write_text(
            "def new(task): print('the new code')\nhandlers = {'prints': new}\n"
        )
        await driver.press("ctrl+r")
        await driver.until(lambda: driver.model.types == ("prints",))
        await driver.until(lambda: group_is_gone(old))  # it may claim until then
        driver.submit("prints")
        await driver.sees("the new code")

        assert driver.model.busy


@pytest.mark.slow
async def test_kill_asks_while_handlers_run_and_the_task_is_abandoned(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.submit("blocks")
        await driver.press("s")
        await driver.sees("blocking")
        pid = driver.consumer.control._pool._current.pid
        await driver.press("K")
        await driver.sees("Kill the handlers' process?", "1 running handler would be cut off")
        await driver.press("enter")
        assert driver.model.runs.running == 1
        await driver.press("K", "y")
        await driver.sees("! abandoned", "load them again")
        await driver.until(lambda: group_is_gone(pid))

        await driver.press("ctrl+r")
        await driver.sees("ready ·")


async def test_a_module_that_hangs_while_loading_can_be_killed(open_consumer):
    async with open_consumer(handlers="import threading\nthreading.Event().wait()\n") as driver:
        await driver.enter("shop_jobs")
        await driver.sees("loading shop_jobs")
        await driver.press("K")
        await driver.sees("the handlers' process is gone")


@pytest.mark.serial
async def test_quitting_with_a_blocked_handler_takes_two_seconds_at_most(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.submit("blocks_in_c")
        await driver.press("s")
        await driver.sees("blocking")
        pid = driver.consumer.control._pool._current.pid
        begun = time.monotonic()

    assert time.monotonic() - begun < 3  # and one for a busy machine
    assert group_is_gone(pid)


async def test_what_was_consumed_is_in_the_log_of_changes(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        driver.submit("prints"), driver.submit("fails", max_receives=1)
        await driver.press("s")
        await driver.sees("1 succeeded · 1 failed")
        await driver.press("S")
        await driver.until(lambda: driver.app.session.log)

        (logged,) = driver.app.session.log
        assert logged.verb == "work"
        assert logged.entry.done == 2
        assert logged.entry.command.startswith("tasq work --url sqlite:")
        assert " shop_jobs --workers 4 " in logged.entry.command


@pytest.mark.slow
async def test_zoom_gives_the_pane_in_focus_all_the_room(open_consumer):
    async with open_consumer() as driver:
        await driver.load()
        log = driver.consumer.query_one(JobLog)
        log.focus()
        small = log.size.height
        await driver.press("z")
        assert log.size.height > small
        await driver.press("escape")

        assert log.size.height == small


async def test_three_panes_stand_side_by_side_where_there_is_room(open_consumer):
    async with open_consumer(size=(160, 48)) as driver:
        await driver.load()
        driver.submit("prints", {"a": 1})
        await driver.step()
        table, args, log = (
            driver.consumer.query_one(kind) for kind in (InFlight, ArgsView, JobLog)
        )
        await driver.until(lambda: args.region.width)

        assert table.region.right <= args.region.x
        assert args.region.bottom <= log.region.y
        assert {args.region.right, log.parent.region.right} == {160}


async def test_every_line_of_the_form_fits_eighty_columns(open_consumer):
    async with open_consumer() as driver:
        text = await driver.sees("Handlers", "Queues", "Types", "Workers 4", "Lease 15s")

        assert {len(line) for line in text.splitlines()} == {80}
