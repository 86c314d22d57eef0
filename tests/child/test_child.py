"""A child's handlers print, hang, crash and flood; the parent stays whole."""

import os
import signal
import time
from pathlib import Path

import pytest

from tasq_tui.child.protocol import (
    Died,
    Dropped,
    DryRun,
    Ending,
    Error,
    Finished,
    Load,
    LoadFailed,
    Log,
    Output,
    Start,
    Started,
)
from tests.child.listening import HANDLERS, Ear, dry_run, group_is_gone, load
from tests.support.processes import Process, python
from tests.support.wait import wait_until


def test_loading_tells_the_types(child, ear, tmp_path):
    types = load(child, ear, tmp_path).types

    assert "prints" in types
    assert types == sorted(types)


def test_handlers_that_do_not_load_say_why(child, ear, tmp_path):
    (tmp_path / "broken_jobs.py").write_text("import nowhere_at_all")
    child.send(Load("broken_jobs", str(tmp_path), "sqlite://"))

    assert "nowhere_at_all" in ear.wait(LoadFailed).text


def test_a_module_named_as_the_standard_librarys_does_no_harm(child, ear, tmp_path):
    for name in ("queue", "types", "logging"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('shadowed')")

    assert load(child, ear, tmp_path).types


def test_output_is_told_apart_by_task_and_stream(child, ear, tmp_path):
    load(child, ear, tmp_path)
    task = dry_run(child, "prints")
    finished = ear.wait(Finished)

    assert (finished.task_id, finished.ending, finished.dry) == (task.id, Ending.SUCCEEDED, True)
    assert ear.of(Output, task_id=task.id) == [
        Output(task.id, "stdout", "hello prints"),
        Output(task.id, "stderr", "to stderr"),
        Output(task.id, "stdout", "raw \ufffd bytes"),
        Output(task.id, "stdout", "no end"),
    ]
    assert ear.of(Started) == [Started(task.id, dry=True)]


def test_logs_come_with_level_and_logger(child, ear, tmp_path):
    load(child, ear, tmp_path)
    task = dry_run(child, "logs")
    ear.wait(Finished)

    assert ear.of(Log) == [Log(task.id, "WARNING", "shop", "low on tea")]


def test_writes_past_python_are_heard(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "past_python")

    ear.wait(Output, task_id=None, stream="stdout", text="descriptor 1")
    ear.wait(Output, task_id=None, stream="stderr", text="a program")


def test_escape_codes_travel_as_data(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "escapes")
    ear.wait(Finished)

    assert ear.text() == ["\x1b[2J\x1b]0;owned\x07[bold]\x00\u202e\\udc80"]


def test_a_flood_is_bounded_and_counted(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "floods")
    ear.wait(Finished)
    child.close()
    ear.wait(Died)

    assert len(ear.of(Output)) + sum(event.lines for event in ear.of(Dropped)) == 20_000
    assert ear.of(Dropped)
    assert max(ear.batches) < 600
    assert not any(event.events for event in ear.of(Dropped))


def test_a_flood_past_python_is_bounded_and_counted(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "floods_past_python")
    ear.wait(Finished)
    child.close()
    ear.wait(Died)

    assert len(ear.of(Output)) + sum(event.lines for event in ear.of(Dropped)) == 200_000
    assert max(ear.batches) < 600


def test_a_long_line_comes_in_pieces_that_cut_no_character(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "long_line")
    ear.wait(Finished)

    assert "".join(ear.text()) == "é" * 20_000
    assert len(ear.text()) > 1


@pytest.mark.parametrize(
    ("type_", "text"), [("fails", "ValueError: no such address"), ("exits", "SystemExit: 3")]
)
def test_what_a_handler_raises_is_its_error(child, ear, tmp_path, type_, text):
    load(child, ear, tmp_path)
    dry_run(child, type_)
    finished = ear.wait(Finished)

    assert finished.ending is Ending.FAILED
    assert finished.error.startswith(text)
    assert "shop_jobs.py" in finished.error
    assert "attempt.py" not in finished.error


def test_an_async_handler_is_run(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "later")

    assert ear.wait(Finished).ending is Ending.SUCCEEDED
    assert ear.text() == ["later later"]


def test_a_handler_that_reads_standard_input_takes_no_command(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "reads")
    ear.wait(Finished)

    assert ear.text() == ["read ''"]


def test_a_handler_that_exits_the_process_leaves_its_last_words(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "dies")
    died = ear.wait(Died)

    assert (died.returncode, died.expected) == (7, False)
    assert died.reason == "exited with status 7"
    assert ear.text() == ["last words"]
    assert not child.alive


def test_a_segfault_is_reported_with_its_traceback(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "segfaults")
    died = ear.wait(Died)

    assert died.reason == "killed by SIGSEGV"
    assert any("segfaults" in line for line in died.last_lines)
    assert ear.text() == ["last words"]


def test_a_kill_from_outside_names_memory_as_the_likely_cause(child, ear, tmp_path):
    load(child, ear, tmp_path)
    os.kill(child.pid, signal.SIGKILL)

    assert ear.wait(Died).reason == "killed by SIGKILL; out of memory?"


def test_scribbling_on_every_descriptor_does_no_harm(child, ear, tmp_path):
    load(child, ear, tmp_path)
    dry_run(child, "scribbles")
    ear.wait(Output, stream="events", text="not an event")

    assert ear.wait(Finished).ending is Ending.SUCCEEDED


@pytest.mark.serial
@pytest.mark.parametrize("type_", ["blocks", "blocks_in_c", "blocks_with_program"])
def test_closing_takes_two_seconds_at_most_and_leaves_no_process(child, ear, tmp_path, type_):
    load(child, ear, tmp_path)
    dry_run(child, type_)
    ear.wait(Output, text="blocking")
    begun = time.monotonic()
    child.close()

    assert time.monotonic() - begun < 3  # and one for a busy machine
    wait_until(lambda: group_is_gone(child.pid))
    assert ear.wait(Died).expected


def test_an_idle_child_ends_when_asked(child, ear, tmp_path):
    load(child, ear, tmp_path)
    child.close()

    assert ear.wait(Died).returncode == 0


def test_sigterm_ends_an_idle_child_in_order(child, ear, tmp_path):
    load(child, ear, tmp_path)
    os.kill(child.pid, signal.SIGTERM)

    assert ear.wait(Died).returncode == 0


def test_commands_that_cannot_be_obeyed_are_answered(child, ear, tmp_path):
    child.send(Start())
    ear.wait(Error, text="no handlers are loaded; load some first")
    load(child, ear, tmp_path)
    child.send(Start(types=("nothing",)))
    ear.wait(Error, text="no handler for task type 'nothing' is loaded")
    child.send(Load("again", str(tmp_path), "sqlite://"))
    ear.wait(Error, text="handlers are loaded; another child is needed for others")
    child.send(DryRun())
    ear.wait(Error, text="a dry run needs a task or its id")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_the_url_is_in_no_argument_environment_or_repr(child, ear, tmp_path):
    url = "sqlite:///x?password=hunter2"
    load(child, ear, tmp_path, url)

    for file in ("cmdline", "environ"):
        assert b"hunter2" not in Path(f"/proc/{child.pid}/{file}").read_bytes()
    assert "hunter2" not in repr(Load("jobs", ".", url))


def test_commands_to_a_dead_child_are_lost_in_peace(child, ear, tmp_path):
    load(child, ear, tmp_path)
    os.kill(child.pid, signal.SIGKILL)
    ear.wait(Died)
    child.send(Start())
    child.close()

    assert isinstance(ear.events[-1], Died)


def test_two_children_live_side_by_side(child, ear, tmp_path):
    from tasq_tui.child.parent import Child

    other_ear = Ear()
    other = Child(other_ear)
    load(other, other_ear, tmp_path)
    load(child, ear, tmp_path)
    other.close()
    dry_run(child, "prints")

    assert ear.wait(Finished).ending is Ending.SUCCEEDED


APP = """
import sys, threading
from tasq_tui.child.parent import Child
from tasq_tui.child.protocol import Load, Loaded

def heard(events):
    if any(isinstance(event, Loaded) for event in events):
        print("child", child.pid, flush=True)

child = Child(heard)
child.send(Load("shop_jobs", sys.argv[1], "sqlite://"))
threading.Event().wait()
"""


@pytest.mark.slow
def test_a_child_whose_app_is_killed_ends(tmp_path):
    (tmp_path / "shop_jobs.py").write_text(HANDLERS)
    app = Process(python("-c", APP, str(tmp_path)))
    try:
        app.wait_for_output("child ")
        pid = int(app.stdout.split()[-1])
        app.kill()

        wait_until(lambda: group_is_gone(pid))
    finally:
        app.close()
