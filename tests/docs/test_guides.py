"""The guides' examples run as printed: whoever pastes one and sees an error leaves."""

import re
import signal

import pytest

from tests.support.processes import ROOT, python


@pytest.fixture
def example(tmp_path, start_process):
    """Starts a guide's example, the one whose first line names the file."""

    def start(guide, name, *arguments):
        text = (ROOT / "docs" / "guides" / f"{guide}.md").read_text()
        blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        [block] = [block for block in blocks if block.startswith(f"# {name}\n")]
        (tmp_path / name).write_text(block)
        return start_process(*python(*arguments, name), cwd=tmp_path)

    return start


def test_the_schedule_ticks(example):
    process = example("periodic", "beat.py")

    process.wait_for_output("tick of")
    process.signal(signal.SIGTERM)
    assert process.wait() == 0, str(process)


def test_the_middleware_is_around_and_the_failure_told(example):
    process = example("middleware", "around.py")

    process.wait_for_output("email took 0 s")
    process.wait_for_output("failed for good: email no address")
    process.signal(signal.SIGTERM)
    assert process.wait() == 0, str(process)


def test_the_observers_are_set_up(example):
    process = example("middleware", "observed.py")

    assert process.wait() == 0, str(process)


def test_the_tests_pass(example):
    process = example("testing", "test_orders.py", "-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert process.wait(60) == 0, str(process)
    assert "2 passed" in process.stdout
