"""Reload: a new child takes over from the old without a gap."""

import time

import pytest

from tasq_tui.child.pool import ChildPool
from tasq_tui.child.protocol import (
    Died,
    Ending,
    Error,
    Finished,
    Load,
    Loaded,
    LoadFailed,
    Output,
    Stop,
)
from tests.child.listening import Ear, dry_run, group_is_gone, load
from tests.support.wait import wait_until

pytestmark = pytest.mark.usefixtures("forked_children")

VERSION = "def version(task): print('version {}')\nhandlers = {{'version': version}}\n"


@pytest.fixture
def pool(ear):
    pool = ChildPool(ear)
    yield pool
    pool.close(0)


@pytest.fixture
def jobs(tmp_path):
    """Writes a version of a module; its Load command."""

    def write(code):
        (tmp_path / "versioned_jobs.py").write_text(code)
        return Load("versioned_jobs", str(tmp_path), "sqlite://")

    return write


def loaded(pool: ChildPool, ear: Ear, count: int) -> int:
    ear.wait(Loaded, count)
    assert pool._current is not None
    return pool._current.pid


def test_a_pool_without_handlers_takes_no_commands(pool):
    assert not pool.loaded
    assert not pool.send(Stop())
    pool.reload()


def test_reload_runs_the_new_code_and_ends_the_old_child(pool, ear, jobs):
    pool.load(jobs(VERSION.format("one")))
    old = loaded(pool, ear, 1)
    jobs(VERSION.format("no. 2"))
    pool.reload()
    new = loaded(pool, ear, 2)
    dry_run(pool, "version")
    ear.wait(Output, text="version no. 2")

    assert new != old
    wait_until(lambda: group_is_gone(old))
    assert not ear.of(Died)


def test_handlers_that_do_not_load_leave_the_old_ones_at_work(pool, ear, jobs):
    pool.load(jobs(VERSION.format("one")))
    loaded(pool, ear, 1)
    jobs("this is no Python")
    pool.reload()
    ear.wait(LoadFailed)
    dry_run(pool, "version")

    assert ear.wait(Finished).ending is Ending.SUCCEEDED


def test_a_module_that_takes_the_process_down_failed_to_load(pool, ear, jobs):
    pool.load(jobs("import ctypes\nctypes.string_at(0)"))

    text = ear.wait(LoadFailed).text
    assert "killed by SIGSEGV" in text
    assert "versioned_jobs.py" in text
    assert not pool.loaded


def test_a_module_that_hangs_is_given_up_by_the_next_load(pool, ear, jobs):
    pool.load(jobs("import threading\nprint('hanging')\nthreading.Event().wait()"))
    ear.wait(Output, text="hanging")
    pool.load(jobs(VERSION.format("one")))

    assert loaded(pool, ear, 1)
    assert not ear.of(LoadFailed)


def test_the_current_childs_death_empties_the_pool(pool, ear, tmp_path):
    load(pool, ear, tmp_path)
    dry_run(pool, "dies")

    assert not ear.wait(Died).expected
    assert not pool.loaded
    pool.reload()
    ear.wait(Loaded, 2)


def test_a_retired_childs_death_is_no_death_of_the_pool(pool, ear, tmp_path):
    load(pool, ear, tmp_path)
    dry_run(pool, "dies_at_exit")
    ear.wait(Finished)
    pool.reload()
    ear.wait(Loaded, 2)
    ear.wait(Error, text="the old handlers' process: exited with status 9")

    assert pool.loaded
    assert not ear.of(Died)


@pytest.mark.serial
def test_closing_with_a_blocked_handler_takes_two_seconds_at_most(pool, ear, tmp_path):
    load(pool, ear, tmp_path)
    dry_run(pool, "blocks_in_c")
    ear.wait(Output, text="blocking")
    pid = loaded(pool, ear, 1)
    begun = time.monotonic()
    pool.close()

    assert time.monotonic() - begun < 3  # and one for a busy machine
    wait_until(lambda: group_is_gone(pid))
