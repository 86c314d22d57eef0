"""Ctrl+C at any moment ends `tasq` with 130, and never with a traceback."""

import signal

import pytest

from tasq_tui.cli import interrupts
from tests.support.processes import ROOT, python

STOPS_HERE = "import signal\nprint('here', flush=True)\nsignal.pause()\n"
AT_EXIT = "import atexit\natexit.register(lambda: exec(%r))\n" % STOPS_HERE  # noqa: UP031


@pytest.mark.parametrize(
    ("module", "source"),
    [("typer", STOPS_HERE), ("tomllib", STOPS_HERE), ("sitecustomize", AT_EXIT)],
    ids=["while it imports", "while its verb imports", "while it exits"],
)
def test_ctrl_c_ends_the_command_without_a_traceback(module, source, start_process, tmp_path):
    """Whoever types a wrong verb and stops it at once would read lines of Python instead."""
    (tmp_path / f"{module}.py").write_text(source)
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    process = start_process(*python("-m", "tasq_tui", "stats", "--help"), env=environment)
    process.wait_for_output("here")

    process.signal(signal.SIGINT)

    assert process.wait() == interrupts.CODE
    assert process.stderr == ""


def test_ctrl_c_stays_ignored_where_it_was():
    """A command in a script's background must not end by the Ctrl+C meant for another."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts.leave_at_once()
        with interrupts.raised():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
