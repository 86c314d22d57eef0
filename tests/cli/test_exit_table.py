"""docs/exit-codes.md is what the real command did: every changing verb, and `work`, by matches.

Make it anew with `WRITE_DOCS=1 python -m pytest tests/cli/test_exit_table.py`.
"""

import os
from pathlib import Path
from uuid import UUID

import pytest

from tasq_core.repository.protocol import Repository
from tasq_core.task import Task, TaskStatus
from tests.cli.conftest import Tasq
from tests.support.builders import make_tasks
from tests.support.processes import python
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.pty, pytest.mark.timeout(400)]

DOCUMENT = Path(__file__).parents[2] / "docs" / "exit-codes.md"
MATCHES = (0, 1, 2, 2000)
VERBS = {
    "requeue --where …": ["requeue", "--where", "status:failed"],
    "requeue --reset --where …": ["requeue", "--reset", "--where", "status:failed"],
    "requeue ID…": ["requeue", "-"],
    "delete --where …": ["delete", "--where", "status:failed"],
    "delete ID…": ["delete", "-"],
    "purge --where …": ["purge", "--where", "status:failed"],
    "clean --age 0s": ["clean", "--age", "0s"],
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

"""

NAMED = """

A requeue of tasks named by id needs no `--yes`, unless the profile says `confirm`.

## Work

"""


def refill(repository: Repository, count: int, **fields: object) -> list[Task]:
    repository.purge_tasks(None, None, None, False)
    tasks = make_tasks(count, **fields)
    repository.restore_tasks(tasks)
    return tasks


def failed(repository: Repository, count: int) -> list[Task]:
    ended = repository.now()
    return refill(repository, count, status=TaskStatus.FAILED, finished_at=ended, last_error="no")


def in_a_pipe(tasq: Tasq, words: list[str], ids: str, *more: str) -> int:
    result = tasq(*words, *more, stdin=ids)
    assert "Traceback" not in result.err
    return result.code


def at_a_terminal(tasq: Tasq, words: list[str], tasks: list[Task], answer: str) -> int:
    """The ids are named as arguments: standard input is the terminal."""
    if words[-1] == "-":
        words = [*words[:-1], *(str(task.id) for task in tasks)]
    with Terminal(
        python("-m", "tasq_tui", *words), columns=120, rows=40, env=tasq.env, cwd=tasq.folder
    ) as terminal:
        asked = len(tasks) > 1 or (len(tasks) == 1 and words[0] != "requeue")
        if asked:
            terminal.wait_for("them:" if words[0] == "purge" or len(tasks) >= 1000 else "[y/N]")
            right = str(len(tasks)) if words[0] == "purge" or len(tasks) >= 1000 else "y"
            terminal.type(right if answer == "yes" else "n")
            terminal.send("Enter")
        return terminal.wait()


def changes(tasq: Tasq, repository: Repository) -> list[str]:
    rows = [
        "| verb | matches | terminal, yes | terminal, no | no terminal | no terminal, `--yes` |",
        "|-|-:|-:|-:|-:|-:|",
    ]
    for name, words in VERBS.items():
        for count in MATCHES:
            codes = []
            for way in ("yes", "no", "pipe", "pipe --yes"):
                tasks = failed(repository, count)
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


def work(tasq: Tasq, repository: Repository) -> list[str]:
    (tasq.folder / "jobs.py").write_text(JOBS)
    rows = ["| verb | tasks | all succeed | one fails for good |", "|-|-:|-:|-:|"]
    for way in ("--drain", "--once"):
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
                result = tasq("work", "jobs", way, "--log", "error", "--poll-interval", "1s")
                codes.append(str(result.code))
            rows.append(f"| `work {way}` | {count:,} | {' | '.join(codes)} |")
    return rows


OLDEST = Task(UUID(int=0), "", b"").created_at.replace(year=2020)


def test_every_changing_verb_and_work_exit_as_documented(tasq, repository):
    """A script that tests for 2 or 6 breaks where a code depends on how much matched."""
    parts: list[str] = [
        HEAD,
        "## Verbs that change tasks\n\n",
        "\n".join(changes(tasq, repository)),
        NAMED,
        "\n".join(work(tasq, repository)),
        "\n",
    ]
    found = "".join(parts)

    if os.environ.get("WRITE_DOCS"):
        DOCUMENT.write_text(found)
    assert DOCUMENT.read_text() == found
