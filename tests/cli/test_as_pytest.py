"""tasq show ID --as pytest: a failed task of production becomes a test that fails alike."""

import sys

import pytest

from tasq_core.args import gob
from tasq_core.task import TaskStatus
from tests.support.builders import make_task

CONFTEST = """
import pytest

@pytest.fixture
def tasq_handlers():
    def email(task):
        raise ValueError(f"no address: {task.unmarshal_args()!r}")
    return {%r: email}
"""
ARGS = {
    "JSON": (b'{"to":"nobody","n":[1,2.5,null,true]}', "{'to': 'nobody', 'n': [1, 2.5, None, True]}"),
    "spaced JSON": (b'{"to": "nobody"}', "{'to': 'nobody'}"),
    "gob": (gob.encode({"To": "nobody", "Id": 7}, as_struct=True), "{'To': 'nobody', 'Id': 7}"),
    "long": (b'["' + b"x y " * 200 + b'"]', "['x y x y"),
}  # fmt: skip
HOSTILE = 'a"\'\\\n""" + print("owned") + """\x1b[31m\u202e#{}%s'


def run_pytest(start_process, tmp_path, text, type):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "conftest.py").write_text(CONFTEST % type)
    (folder / "test_it.py").write_text(text)
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short")
    process = start_process(*command, cwd=folder)
    return process.wait(60), process.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", ARGS)
def test_the_test_fails_as_the_task_did(tasq, table, start_process, tmp_path, kind):
    data, shown = ARGS[kind]
    [task] = table(
        make_task(status=TaskStatus.FAILED, type="email", queue="mail", args=data, last_error="ValueError: no")
    )  # fmt: skip

    printed = tasq("show", str(task.id), "--as", "pytest")
    assert printed.code == 0, printed.err
    code, said = run_pytest(start_process, tmp_path, printed.out, "email")

    assert code == 1, said
    assert f"ValueError: no address: {shown}" in said
    assert f"test_email_{task.id.hex[:8]}" in said
    assert "# ValueError: no" in printed.out


@pytest.mark.slow
def test_hostile_text_is_data_in_the_test(tasq, table, start_process, tmp_path):
    """An error message that closed a string would run in the developer's shell."""
    import json

    [task] = table(
        make_task(
            status=TaskStatus.FAILED, type=HOSTILE, queue=HOSTILE, last_error=HOSTILE,
            args=json.dumps({HOSTILE: HOSTILE}).encode(),
        )
    )  # fmt: skip

    printed = tasq("show", str(task.id), "--as", "pytest").out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    code, said = run_pytest(start_process, tmp_path, printed, HOSTILE)

    assert code == 1, said
    assert "ValueError: no address" in said
    assert not [line for line in said.splitlines() if line == "owned"]


def test_another_form_is_refused(tasq, table):
    [task] = table(make_task())

    assert tasq("show", str(task.id), "--as", "unittest").code == 2
