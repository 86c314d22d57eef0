"""Streams as a shell may hand them over: closed, full, marked, ASCII only. Never a traceback."""

import json
import subprocess
from uuid import UUID

import pytest

from tasq_core.filters import Filter, parse
from tests.support.builders import make_task, make_tasks
from tests.support.processes import clean_environment, python

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def shell(tasq):
    """Runs a line of bash in which `tasq` is the command: code, output, errors."""

    def run(line, **env):
        command = " ".join(python("-m", "tasq_tui"))
        done = subprocess.run(
            ["bash", "-c", f'tasq() {{ {command} "$@"; }}; {line}'],
            capture_output=True, check=False, cwd=tasq.folder, timeout=60,
            env=clean_environment(**tasq.env, **env),
        )  # fmt: skip
        told = done.stderr.decode()
        assert "Traceback" not in told, told
        return done.returncode, done.stdout.decode(), told

    return run


@pytest.mark.parametrize("to", [">&-", ">/dev/full"])
def test_what_was_stored_though_its_id_cannot_be_written_is_said(shell, repository, to):
    """It exited 1 after storing: a script that tried again submitted twice."""
    code, _, told = shell(f"tasq submit email --count 2 {to}")

    ids = {str(task.id) for task in repository.page(Filter())}
    assert code == 6
    assert len(ids) == 2
    assert "2 tasks stored all the same" in told
    assert all(id in told for id in ids)


@pytest.mark.parametrize("to", [">&-", ">/dev/full"])
@pytest.mark.parametrize(
    "line",
    ["list", "list -o json", "stats --json", "export --all", "show {id}", "doctor", "errors -o csv",
     "metrics", "profiles", "--help", "list --help", "--version"],
)  # fmt: skip
def test_output_that_cannot_be_written_is_an_error_in_a_line(shell, table, line, to):
    [task] = table(make_task())

    code, _, told = shell(f"tasq {line.format(id=task.id)} {to}")

    assert code == 1
    assert "standard output can't be written" in told
    assert len([part for part in told.splitlines() if part.startswith("error")]) == 1


def test_a_change_whose_result_cannot_be_written_was_made_and_is_6(shell, table, repository):
    table(*make_tasks(3))

    code, _, told = shell("tasq delete --all --yes --json >/dev/full")

    assert code == 6
    assert "deleted 3" in told
    assert repository.count(Filter()) == 0


@pytest.mark.parametrize("to", ["2>&-", "2>/dev/full"])
def test_errors_that_cannot_be_written_keep_their_exit_code(shell, repository, to):
    assert shell(f"tasq lst {to}")[0] == 2
    assert shell(f"tasq requeue --all --yes {to}")[0] == 0


@pytest.mark.parametrize(
    "line", ["requeue - --yes", "list -", "import -", "submit x --args -", "submit --from -"]
)
def test_a_closed_standard_input_that_is_to_be_read_is_2(shell, repository, line):
    code, _, told = shell(f"tasq {line} <&-")

    assert code == 2
    assert "standard input is closed" in told
    assert repository.count(Filter()) == 0


def test_with_all_streams_closed_nothing_is_written_into_the_database(shell, table, repository):
    """A file opened first would get descriptor 1, and be written to as output."""
    table(*make_tasks(3))

    assert shell("tasq delete --where queue:nope --yes --json >&- <&- 2>&-")[0] == 6
    assert repository.count(Filter()) == 3


@pytest.mark.slow
def test_a_byte_order_mark_is_no_part_of_what_is_read(shell, table, repository):
    [task] = table(make_task())
    mark = "printf '\\xef\\xbb\\xbf'"

    assert shell(f"({mark}; tasq export --all) | tasq import -")[0] == 0
    assert shell(f"({mark}; tasq export --all) > marked; tasq import marked")[0] == 0
    assert shell(f"({mark}; echo {task.id}) | tasq requeue -")[0] == 0
    assert shell(f"({mark}; echo '[1]') | tasq submit x --args -")[0] == 0
    assert shell(f"({mark}; echo '[1]') > args; tasq submit x --args @args")[0] == 0
    assert repository.count(parse("type:x args:[1]")) == 2


def test_a_file_that_is_not_utf8_is_named_with_the_way_out(shell, repository):
    code, _, told = shell("echo '{}' | iconv -t UTF-16 | tasq import -")

    assert code == 2
    assert "UTF-16" in told
    assert "iconv -t UTF-8" in told
    assert shell("printf '\\xff\\n' > odd; tasq import odd")[0] == 2


@pytest.mark.slow
def test_what_a_locale_cannot_encode_is_escaped_and_json_stays_json(shell, table, repository):
    table(make_task(type="sök 日 😀", args='{"a":"é"}'.encode()))

    for form in ("table", "csv"):
        assert "s\\u00f6k \\u65e5 \\ud83d\\ude00" in shell(f"tasq list -o {form}", **ASCII)[1]
    code, out, _ = shell("tasq list -o ndjson", **ASCII)
    assert code == 0
    assert out.isascii()
    assert json.loads(out)["type"] == "sök 日 😀"
    assert shell("tasq list --where 'type:\"sök 日 😀\"' -o ids | wc -l", **ASCII)[1].strip() == "1"
    assert shell("tasq submit sök --args '\"é\"' && tasq count --type sök", **ASCII)[1].endswith(
        "1\n"
    )


LINES = """\
{"type": "email", "args": {"to": "a@b.c"}}

{"type": "sum", "args": [1, 2], "queue": "math", "priority": 3, "max_receives": 2, "delay": 3600,\
 "id": "11111111-1111-4111-8111-111111111111"}
{"type": "later", "visible_at": "2036-01-01T00:00:00Z"}
"""


def test_lines_of_json_are_submitted_all_at_once(tasq, repository):
    result = tasq("submit", "--from", "-", "--queue", "mail", stdin=LINES)

    assert (result.code, len(result.lines)) == (0, 3), result.err
    by_type = {task.type: task for task in repository.page(Filter())}
    assert by_type["email"].queue == "mail"
    assert by_type["email"].args == b'{"to":"a@b.c"}'
    summed = by_type["sum"]
    assert (summed.queue, summed.priority, summed.max_receives) == ("math", 3, 2)
    assert summed.id == UUID("11111111-1111-4111-8111-111111111111")
    assert repository.count(parse("is:delayed")) == 2

    again = tasq("submit", "--from", "-", "--json", stdin=LINES.splitlines()[2])
    assert json.loads(again.out) == {"verb": "submit", "done": 0, "skipped": 1}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"typo": "a"}', "unknown typo"),
        ('{"queue": "a"}', "type is missing"),
        ('{"type": 3}', "type is missing"),
        ("nope", "isn't JSON"),
        ("[1]", "isn't a JSON object"),
        ('{"type": "a", "priority": 99999}', "priority 99999"),
        ('{"type": "a", "delay": -1}', "delay -1"),
        ('{"type": "a", "delay": "soon"}', "delay"),
        ('{"type": "a", "delay": 1, "visible_at": "2036-01-01T00:00:00Z"}', "one of them"),
        ('{"type": "a", "visible_at": "2036-01-01"}', "with a zone"),
        ('{"type": "a", "id": "x"}', "not a UUID"),
        ('{"type": "a", "queue": 5}', "queue"),
    ],
)
def test_a_line_that_is_no_task_is_named_and_nothing_is_stored(tasq, repository, line, told):
    result = tasq("submit", "--from", "-", stdin=f'{{"type": "good"}}\n{line}\n')

    assert (result.code, result.out) == (2, "")
    assert "line 2 can't be submitted" in result.err
    assert told in result.err
    assert "nothing was submitted" in result.err
    assert repository.count(Filter()) == 0
