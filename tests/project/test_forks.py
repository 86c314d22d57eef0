"""Forks in place of new interpreters: a difference would let a fault of the command pass."""

import signal
import subprocess
from contextlib import closing

import pytest

from tests.support.forked import ForkedProcess, Forker
from tests.support.processes import clean_environment

PROGRAM = """
import os, signal, sys
print(sys.argv[1:], os.environ.get("WORD"), os.getcwd() == sys.path[0], os.getsid(0) == os.getpid())
if os.isatty(0):
    print(os.get_terminal_size(), os.isatty(1), os.isatty(2))
    print(os.tcgetpgrp(os.open("/dev/tty", os.O_RDWR)) == os.getpid())
print(repr(input("name? ")))
print("complaint", file=sys.stderr)
if "wait" in sys.argv:
    signal.pause()
sys.exit(3)
"""


@pytest.fixture(scope="module")
def forker():
    with closing(Forker(["json"])) as forker:
        yield forker


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "forked_program.py").write_text(PROGRAM)
    return tmp_path


def test_a_fork_has_arguments_environment_folder_and_streams_of_its_own(forker, folder):
    for word in ("one", "two"):
        done = forker.run(
            "forked_program", "a", word, stdin=f"{word}\n".encode(), timeout=30, cwd=folder,
            env=clean_environment(WORD=word),
        )  # fmt: skip

        assert done.stdout.decode() == f"['a', '{word}'] {word} True True\nname? '{word}'\n"
        assert (done.returncode, done.stderr) == (3, b"complaint\n")


def test_a_fork_at_a_terminal_has_it_for_its_own_and_hears_the_answer(forker, folder):
    done = forker.run_at_terminal(
        "forked_program",
        question="name?",
        answer="Ada",
        timeout=30,
        cwd=folder,
        env=clean_environment(),
    )

    assert done.stdout.decode().splitlines() == [
        "[] None True True", "os.terminal_size(columns=120, lines=40) True True", "True",
        "name? Ada", "'Ada'", "complaint",
    ]  # fmt: skip
    assert done.returncode == 3


@pytest.mark.slow
def test_a_fork_that_ends_too_late_is_killed(forker, folder):
    env = clean_environment()
    with pytest.raises(subprocess.TimeoutExpired):
        forker.run("forked_program", "wait", stdin=b"\n", timeout=0.3, cwd=folder, env=env)
    with pytest.raises(subprocess.TimeoutExpired):
        forker.run_at_terminal(
            "forked_program", question="", answer="", timeout=0.3, cwd=folder, env=env
        )


def test_a_fork_is_read_signalled_and_outlived_as_a_process_is(forker, folder):
    with closing(
        ForkedProcess(forker, "forked_program", "wait", stdin=b"Ada\n", cwd=folder)
    ) as process:
        process.wait_for_output("complaint")
        assert process.returncode is None
        with pytest.raises(AssertionError, match="still running"):
            process.wait(0.01)
        process.signal(signal.SIGTERM)

        assert process.wait(30) == -signal.SIGTERM
    with closing(ForkedProcess(forker, "forked_program", stdin=b"Ada\n", cwd=folder)) as process:
        assert process.wait(30) == 3
        assert "'Ada'" in process.stdout
