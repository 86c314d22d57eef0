"""A task as a pytest test that runs its handler on the same arguments."""

import re
from collections.abc import Iterator, Sequence
from pprint import pformat
from typing import Any, Final

from tasq_core.args import JSON
from tasq_core.errors import ArgsDecodeError
from tasq_core.task import Task
from tasq_tui.admin.records import args_record

_HEAD: Final = """\
# Run with pytest. The handlers come from a fixture in your conftest.py, or pass them to tasq_drain:
#
#     @pytest.fixture
#     def tasq_handlers():
#         return {%s: your_function}  # or your consumer
"""
_WIDTH: Final = 88
_HEX: Final = 72
_LONGEST_COMMENT: Final = 300


def module_lines(tasks: Sequence[Task]) -> Iterator[str]:
    """The lines of a module with a test for each task; whatever the tasks hold, it is inert."""
    yield from (_HEAD % (_literal(tasks[0].type) if tasks else '"type"')).splitlines()
    bodies = [list(_test(task)) for task in tasks]
    if any("tasq.RawArgs(" in line for body in bodies for line in body):
        yield ""
        yield "import tasq_core as tasq"
    for body in bodies:
        yield from ("", "")
        yield from body


def _test(task: Task) -> Iterator[str]:
    named = re.sub(r"[^a-z0-9]+", "_", task.type.lower()).strip("_")[:40] or "task"
    yield f"def test_{named}_{task.id.hex[:8]}(tasq_client, tasq_drain):"
    yield f"    # task {task.id}, {task.status.value}, attempt {task.receive_count}"
    if task.last_error:
        yield f"    # {ascii(task.last_error.partition(chr(10))[0])[1:-1][:_LONGEST_COMMENT]}"
    yield from (f"    {line}" for line in _args(task.args))
    options = {
        "queue": task.queue, "priority": task.priority, "max_receives": task.max_receives,
    }  # fmt: skip
    given = "".join(f", {name}={_literal(value)}" for name, value in options.items() if value)
    yield f"    tasq_client.new_producer().submit({_literal(task.type)}, args{given})"
    yield ""
    yield "    ran = tasq_drain(raise_errors=True)[0]"
    yield ""
    yield '    assert ran.status == "SUCCESSFUL"'


def _args(data: bytes) -> Iterator[str]:
    """The assignment of arguments that are stored as these bytes."""
    try:
        value = JSON.decode(data)
        if JSON.encode(value) == data:
            first, *rest = pformat(value, width=_WIDTH - 11, sort_dicts=False).splitlines()
            yield f"args = {first}"
            yield from (f"       {line}" for line in rest)
            return
    except ArgsDecodeError:
        pass
    record = args_record(data)
    if record["encoding"] != "base64":
        yield f"# {record['encoding']}: {ascii(record['value'])[:_LONGEST_COMMENT]}"
    yield "args = tasq.RawArgs("
    yield "    bytes.fromhex("
    digits = data.hex()
    yield from (f'        "{digits[at : at + _HEX]}"' for at in range(0, max(1, len(digits)), _HEX))
    yield "    )"
    yield ")"


def _literal(value: Any) -> str:
    return ascii(value)
