"""docs/exit-codes.md is what the real command did: every changing verb, and `work`, by matches.

Make it anew with `WRITE_DOCS=1 python -m pytest tests/cli/test_exit_table.py`.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from tasq_core.repository.protocol import Repository
from tasq_core.task import Task, TaskStatus
from tests.cli.conftest import Tasq
from tests.support.builders import make_tasks

pytestmark = [pytest.mark.slow, pytest.mark.pty, pytest.mark.timeout(400)]

DOCUMENT = Path(__file__).parents[2] / "docs" / "exit-codes.md"
MATCHES = (0, 1, 2, 2000)
VERBS: dict[str, list[str]] = {
    "requeue --where …": ["requeue", "--where", "status:failed"],
    "requeue --reset --where …": ["requeue", "--reset", "--where", "status:failed"],
    "requeue ID…": ["requeue", "-"],
    "delete --where …": ["delete", "--where", "status:failed"],
    "delete ID…": ["delete", "-"],
    "purge --where …": ["purge", "--where", "status:failed"],
    "clean --age 0s": ["clean", "--age", "0s"],
    "edit --where … --priority 5": ["edit", "--priority", "5", "--where", "status:new"],
    "edit --priority 5 ID…": ["edit", "--priority", "5", "-"],
    "cancel --where …": ["cancel", "--where", "status:new"],
    "cancel ID…": ["cancel", "-"],
    "undo": ["undo"],
}
JOBS = """
def email(task):
    pass
def broken(task):
    raise ValueError("no")
handlers = {"email": email, "broken": broken}
"""
HEAD = """\
# Exit codes

| code | meaning |
|-|-|
| 0 | done; nothing to do is done, too |
| 1 | failed, declined at the prompt, or all was skipped |
| 2 | wrong usage; nobody there to ask, and no `--yes` |
| 3 | not found |
| 4 | timeout: `--timeout`, `--within` |
| 5 | the database can't be reached |
| 6 | partly done: some were skipped, some failed, or the result couldn't be written |
| 7 | refused: the database is open read-only |
| 8 | unhealthy: `health`, `doctor --strict` found something |
| 130 | interrupted; what was committed stands |

What follows was measured by `tests/cli/test_exit_table.py`, which fails where it isn't so.

## Verbs that change tasks

| verb | matches | terminal, yes | terminal, no | no terminal | no terminal, `--yes` |
|-|-:|-:|-:|-:|-:|
"""

FIRST = """
A requeue of tasks named by id needs no `--yes`, unless the profile says `confirm`. The undo takes back
a requeue of so many tasks; where there is no change there is nothing to undo.

## A requeue that tries a few first

With `--stop-if-failed 10%`, beside a consumer.

| verb | matches | the first succeed | the first fail |
|-|-:|-:|-:|
"""

WORK = """
## Work

| verb | tasks | all succeed | one fails for good |
|-|-:|-:|-:|
"""


def refill(repository: Repository, count: int, **fields: object) -> list[Task]:
    repository.purge_tasks(None, None, None, False)
    tasks = make_tasks(count, **fields)
    repository.restore_tasks(tasks)
    return tasks


def failed(repository: Repository, count: int) -> list[Task]:
    ended = repository.now()
    return refill(repository, count, status=TaskStatus.FAILED, finished_at=ended, last_error="no")


def matching(tasq: Tasq, repository: Repository, verb: str, count: int) -> list[Task]:
    """The table as a verb finds it: waiting tasks to edit or cancel, a change to undo."""
    if verb in ("edit", "cancel"):
        return refill(repository, count)
    tasks = failed(repository, count)
    if verb == "undo":
        shutil.rmtree(tasq.state, ignore_errors=True)
        if count:
            assert tasq("requeue", "--where", "status:failed", "--yes").code == 0
    return tasks


def in_a_pipe(tasq: Tasq, words: list[str], ids: str, *more: str) -> int:
    result = tasq(*words, *more, stdin=ids)
    assert "Traceback" not in result.err
    return result.code


def at_a_terminal(tasq: Tasq, words: list[str], tasks: list[Task], answer: str) -> int:
    """The ids are named as arguments: standard input is the terminal."""
    if words[-1] == "-":
        words = [*words[:-1], *(str(task.id) for task in tasks)]
    typed = words[0] == "purge" or len(tasks) >= 1000
    if len(tasks) > 1 or (len(tasks) == 1 and words[0] != "requeue"):
        question = "them:" if typed else "[y/N]"
        right = str(len(tasks)) if typed else "y"
        result = tasq.at_terminal(
            *words, question=question, answer=right if answer == "yes" else "n"
        )
        assert question in result.out
    else:
        result = tasq.at_terminal(*words)
    assert "Traceback" not in result.out
    return result.code


def of_a_change(name: str, tasq: Tasq, repository: Repository) -> list[str]:
    """The rows of one verb, by how many tasks match."""
    words, rows = VERBS[name], []
    for count in MATCHES:
        codes = []
        for way in ("yes", "no", "pipe", "pipe --yes"):
            tasks = matching(tasq, repository, words[0], count)
            ids = "\n".join(str(task.id) for task in tasks)
            if way in ("yes", "no"):
                if words[-1] == "-" and (count > 100 or not count):
                    codes.append("n/a")  # no ids are no selection; thousands are no arguments
                    continue
                codes.append(str(at_a_terminal(tasq, words, tasks, way)))
            else:
                more = ["--yes"] if way == "pipe --yes" else []
                codes.append(str(in_a_pipe(tasq, words, ids, *more)))
        rows.append(f"| `{name}` | {count:,} | {' | '.join(codes)} |")
    return rows


def of_a_canary(name: str, tasq: Tasq, repository: Repository) -> list[str]:
    """Of a requeue that tries two first, beside a consumer whose handler works or fails."""
    words, rows = ["requeue", "--where", "status:failed", "--canary", "2"], []
    for count in MATCHES:
        codes = []
        for kind in ("email", "broken"):
            refill(
                repository, count, type=kind, status=TaskStatus.FAILED, receive_count=1,
                max_receives=1, finished_at=repository.now(),
            )  # fmt: skip
            consumer = tasq.start("work", "jobs", "--log", "error", "--poll-interval", "1s")
            try:
                codes.append(str(in_a_pipe(tasq, words, "", "--stop-if-failed", "10%", "--yes")))
            finally:
                consumer.close()
        rows.append(f"| `{name}` | {count:,} | {' | '.join(codes)} |")
    return rows


def of_work(name: str, tasq: Tasq, repository: Repository) -> list[str]:
    """Of a way to work, by whether a task fails for good."""
    rows = []
    for count in MATCHES:
        codes = []
        for failing in (0, 1):
            if failing > count:
                codes.append("n/a")
                continue
            refill(repository, count - failing, type="email")
            # The failing one is the oldest, so that --once takes it.
            repository.restore_tasks(
                make_tasks(failing, type="broken", max_receives=1, created_at=OLDEST)
            )
            words = name.split()
            result = tasq(words[0], "jobs", words[1], "--log", "error", "--poll-interval", "1s")
            codes.append(str(result.code))
        rows.append(f"| `{name}` | {count:,} | {' | '.join(codes)} |")
    return rows


Rows = Callable[[str, Tasq, Repository], list[str]]
PARTS: list[tuple[str, dict[str, Rows]]] = [
    (HEAD, dict.fromkeys(VERBS, of_a_change)),
    (FIRST, {"requeue --canary 2 --where …": of_a_canary}),
    (WORK, {"work --drain": of_work, "work --once": of_work}),
]
"""What stands above a table, and what makes the rows of each of its names."""


def documented() -> dict[str, list[str]]:
    """The rows of each name, as the document has them."""
    lines = DOCUMENT.read_text().splitlines()
    return {
        name: [line for line in lines if line.startswith(f"| `{name}` |")]
        for _, names in PARTS
        for name in names
    }


def document(rows: dict[str, list[str]]) -> str:
    """The whole document with these rows."""
    return "".join(
        f"{text}{chr(10).join(row for name in names for row in rows[name])}\n"
        for text, names in PARTS
    )


OLDEST = Task(UUID(int=0), "", b"").created_at.replace(year=2020)


@pytest.mark.parametrize(
    ("name", "rows_of"),
    [pytest.param(name, made, id=name) for _, names in PARTS for name, made in names.items()],
)
def test_every_changing_verb_and_work_exit_as_documented(tasq, repository, name, rows_of):
    """A script that tests for 2 or 6 breaks where a code depends on how much matched."""
    (tasq.folder / "jobs.py").write_text(JOBS)
    found = rows_of(name, tasq, repository)

    if os.environ.get("WRITE_DOCS"):
        DOCUMENT.write_text(document(documented() | {name: found}))
    assert documented()[name] == found


def test_the_page_has_these_verbs_and_nothing_else():
    assert DOCUMENT.read_text() == document(documented())
