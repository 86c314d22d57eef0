"""What is painted is what is stored, on every screen with a detail, wherever a walk leads.

Panes that draw lazily, and panes that are hidden meanwhile, are where another task's text could
stay on the screen: an operator would requeue or delete by it.
"""

import asyncio
import random
import re
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from textual.widget import Widget

from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.child.protocol import Claimed, ClaimedTask, Ending, Finished, Output, Started
from tasq_tui.ui.text.sanitize import folded, safe_lines
from tasq_tui.ui.widgets.lines_view import LinesView
from tests.support.attempts import put_attempt
from tests.support.builders import make_task
from tests.tui.conftest import NOW, cockpit, press, screen_text, settled, until
from tests.tui.consuming import consumer

STEPS = 40
SEEDS = pytest.mark.parametrize("seed", range(1, 4))
SIZES = ((80, 24), (140, 40), (96, 30), (120, 24))
_TOKEN = re.compile(r"token\d{3}")


def token(number: int) -> str:
    return f"token{number:03}"


def painted(app, widget: Widget) -> list[str]:
    """The lines that the terminal shows where `widget` is; none where it isn't shown."""
    region = widget.scrollable_content_region
    lines = screen_text(app).splitlines()
    return [
        lines[y][region.x : region.right].rstrip()
        for y in range(region.y, min(region.bottom, len(lines)))
    ]


def tokens(lines: Iterable[str]) -> set[str]:
    """The tasks that these lines are about."""
    return set(_TOKEN.findall("\n".join(lines)))


def expected(view: LinesView, stored: str) -> list[str]:
    """The lines of `stored` that a view of this size shows from its top."""
    width, height = view.scrollable_content_region.size
    lines = [part.rstrip() for line in safe_lines(stored) for part in folded(line, max(width, 1))]
    return (lines + [""] * height)[:height]


def error_of(number: int) -> str:
    """Long lines and few, so that folding and scrolling differ from task to task."""
    trace = "\n".join(f"  frame {n} of {token(number)} " + "in a module " * 9 for n in range(3))
    return f"ValueError: {number} {token(number)}\n" + (trace * (1 + number % 5))


def alternating(count: int) -> list:
    """Failed ones between successful ones, arguments of each kind."""
    kinds = (
        lambda n: f'{{"about": "{token(n)}"}}'.encode(),
        lambda n: f"plain {token(n)}".encode(),
        lambda n: b"",
    )
    return [
        make_task(
            args=kinds[number % 3](number),
            status=TaskStatus.SUCCESSFUL if number % 2 else TaskStatus.FAILED,
            last_error=None if number % 2 else error_of(number),
            created_at=NOW - timedelta(seconds=number),
            started_at=NOW,
            finished_at=NOW,
        )
        for number in range(count)
    ]


@pytest.mark.slow
@SEEDS
async def test_the_task_beside_the_list_is_the_one_under_the_cursor(
    settings: Settings, table, stopped_clock, seed
):
    rows = alternating(40)
    number_of = {task.id: number for number, task in enumerate(rows)}
    table.repository.restore_tasks(rows)
    for number, task in enumerate(rows):
        for attempt in range(number % 4):
            put_attempt(Path("shop.db"), task, attempt + 1, error=f"Error: {token(number)}")
    walk = random.Random(seed)
    async with cockpit(settings, size=SIZES[seed % 4], screen="tasks") as (app, pilot):
        view = app.view
        for _ in range(STEPS):
            step = walk.choice(("down", "down", "up", "up", "pagedown", "t", "enter", "size"))
            if step == "size":
                await pilot.resize_terminal(*walk.choice(SIZES))
            elif step == "enter" and view.has_class("-detail"):
                await press(pilot, "escape")
            else:
                await press(pilot, step)
            if not view.detail.region:
                continue
            current = view.list.current
            await until(
                pilot,
                lambda current=current: (  # type: ignore[misc]
                    view.detail.task_shown is not None and view.detail.task_shown.id == current.id
                ),
            )
            mine = number_of[current.id]
            shown = painted(app, view.detail)

            assert tokens(shown) <= {token(mine)}, f"{token(mine)} after {step}"
            assert current.id.hex in "".join(shown).replace("-", "")
            error = view.detail.query_one("#detail-error", LinesView)
            assert painted(app, error) == ([] if mine % 2 else expected(error, error_of(mine))), (
                f"after {step}"
            )
            attempts = view.detail.query_one("#detail-attempts", LinesView)
            assert len(attempts.text.splitlines()) == 2 * (mine % 4), f"after {step}"
            assert tokens([attempts.text]) == ({token(mine)} if mine % 4 else set())
            assert painted(app, attempts) == (
                expected(attempts, attempts.text) if mine % 4 else []
            ), f"after {step}"


@pytest.mark.slow
@SEEDS
async def test_the_sample_below_the_groups_is_of_the_group_under_the_cursor(
    settings: Settings, table, stopped_clock, seed
):
    letters = "abcdefghijkl"
    table.repository.restore_tasks(
        [
            make_task(
                status=TaskStatus.FAILED,
                last_error=f"{letters[n]}Error: no luck\n{error_of(n)}",
                created_at=NOW - timedelta(seconds=n),
                finished_at=NOW,
            )
            for n in range(len(letters))
        ]
    )
    walk = random.Random(seed)
    async with cockpit(settings, size=SIZES[seed % 4], screen="errors") as (app, pilot):
        view = app.view
        sample = view.query_one(LinesView)
        for _ in range(STEPS):
            step = walk.choice(("down", "up", "G", "g", "size", "away"))
            if step == "size":
                await pilot.resize_terminal(*walk.choice(SIZES))
            elif step == "away":
                await press(pilot, "7")
                await press(pilot, "4")
            else:
                await press(pilot, step)
            await settled(pilot)
            mine = letters.index(view.group.message[0])
            stored = f"{letters[mine]}Error: no luck\n{error_of(mine)}"

            assert painted(app, sample) == expected(sample, stored), f"after {step}"


@pytest.mark.slow
@SEEDS
async def test_the_output_and_arguments_are_those_of_the_run_under_the_cursor(
    tmp_path, monkeypatch, seed
):
    rows = alternating(24)
    number_of = {task.id: number for number, task in enumerate(rows)}
    walk = random.Random(seed)
    async with consumer(tmp_path, monkeypatch, size=SIZES[seed % 4]) as driver:
        view = driver.consumer
        view.control.take([Claimed([ClaimedTask.of(task) for task in rows], 900.0)])
        for number, task in enumerate(rows):
            said = [Output(task.id, "stdout", f"says {token(number)}")] * (number % 3)
            view.control.take([Started(task.id), *said])
            if number % 4:
                error = error_of(number) if number % 2 else None
                ending = Ending.FAILED if number % 2 else Ending.SUCCEEDED
                view.control.take([Finished(task.id, ending, 0.1, error)])
        view._draw()
        view._table.focus()
        await driver.press("down")
        for _ in range(STEPS):
            step = walk.choice(("down", "down", "up", "z", "t", "tab", "size"))
            if step == "size":
                await driver.pilot.resize_terminal(*walk.choice(SIZES))
            else:
                await driver.press(step)
            await driver.pilot.pause(0.02)
            mine = number_of[view._table.current.task.id]
            shown = [line for pane in (view._args, view._log) for line in painted(driver.app, pane)]

            assert tokens(shown) <= {token(mine)}, f"after {step}\n{driver.text}"
            for pane in (view._args, view._log):
                if pane.region and tokens(stored_of(view, pane)):
                    assert tokens(painted(driver.app, pane)) == {token(mine)}, (
                        f"after {step}\n{driver.text}"
                    )


async def test_a_pane_that_was_hidden_shows_what_it_was_given_meanwhile(
    settings: Settings, table, stopped_clock
):
    rows = alternating(3)
    table.repository.restore_tasks(rows)
    async with cockpit(settings, size=(140, 40), screen="tasks") as (app, pilot):
        for row in rows:
            await until(pilot, lambda row=row: app.view.detail.task_shown == row)  # type: ignore[misc]
            await press(pilot, "down")
        error = app.view.detail.query_one("#detail-error", LinesView)

        assert painted(app, error) == expected(error, error_of(2))


async def test_a_slow_database_leaves_no_other_groups_error_below_the_groups(
    settings: Settings, table, stopped_clock
):
    failed = {"status": TaskStatus.FAILED, "finished_at": NOW}
    table.repository.restore_tasks(
        [make_task(last_error=f"{letter}Error: x\n{letter}", **failed) for letter in "ab"]
    )
    release = threading.Event()
    async with cockpit(settings, size=(140, 40), screen="errors") as (app, pilot):
        sample = app.view.query_one(LinesView)
        await until(pilot, lambda: "aError: x" in painted(app, sample))
        slow = asyncio.create_task(app.session.detail.run(release.wait))
        try:
            await press(pilot, "down")
            await until(pilot, lambda: not "".join(painted(app, sample)))
        finally:
            release.set()
            await slow
        await until(pilot, lambda: "bError: x" in painted(app, sample))


def stored_of(view, pane: Widget) -> list[str]:
    """What the pane would say if it were high enough to say all."""
    run = view._table.current
    if pane is view._args:
        readable = view._args._shown_mode() != "hex"
        return [run.task.args.decode()] if readable and pane.region.height > 2 else []
    return [line.text for line in view.model.logs.of(run.key)][-pane.region.height + 1 :]
