"""How the consumer stands, in a line. Pure; the text is inert."""

import shlex
from collections.abc import Mapping
from typing import Final, NamedTuple

from tasq_core.task import Task
from tasq_core.wording import counted
from tasq_tui.admin.command_line import target as target_options
from tasq_tui.admin.settings import Settings
from tasq_tui.child.protocol import Died, Start
from tasq_tui.ui.consumer.runs import Run, RunState
from tasq_tui.ui.consumer.state import Consuming, Phase
from tasq_tui.ui.consumer.task_logs import RunKey
from tasq_tui.ui.text.formats import count
from tasq_tui.ui.text.sanitize import safe

DECISIONS: Final = ("run", "skip", "fail", "requeue")
"""What can be decided about a task that waits, by the names of the actions."""
_LONGEST_NAME = 60
_LONGEST_PROBLEM = 240
_NAMED = 3
_COUNTED = (
    RunState.SUCCEEDED,
    RunState.FAILED,
    RunState.RETRYING,
    RunState.REQUEUED,
    RunState.LOST,
    RunState.ABANDONED,
)


class Words(NamedTuple):
    """A line, and what it is: "" for plain, else ask, busy, good or error."""

    kind: str
    text: str


def task_name(type: str, task_id: object) -> str:
    """A task as a line names it: "email 1a2b3c4d"."""
    return f"{safe(type, _LONGEST_NAME)} {str(task_id).replace('-', '')[:8]}".strip()


def end_of(died: Died) -> str:
    """How the process ended: "exited with status 7", "was killed by SIGSEGV"."""
    reason = safe(died.reason)
    return f"was {reason}" if reason.startswith("killed") else reason


def state_words(
    consuming: Consuming,
    keys: Mapping[str, str],
    offered: Task | None = None,
    *,
    read_only: bool,
) -> Words:
    """What there is to know first; a problem before all else.

    Args:
        consuming: how it stands.
        keys: those of the decisions, by the names of `DECISIONS`.
        offered: a task that a dry run is offered for.
        read_only: whether the session is.
    """
    if consuming.problem and not consuming.loading:
        return Words("error", _problem(consuming))
    if offered is not None:
        return Words("ask", _offer(consuming, offered))
    if consuming.loading:
        again = " anew; the old ones go on meanwhile" if consuming.types else ""
        return Words("busy", f"loading {safe(consuming.target, _LONGEST_NAME)}{again} …")
    if consuming.phase is Phase.EMPTY:
        return Words(*_empty(consuming))
    if consuming.phase is Phase.READY:
        return Words("good", _ready(consuming, read_only=read_only))
    if (waiting := consuming.waiting) is not None:
        run = consuming.runs.get(RunKey(waiting))
        if run is not None:
            return Words("ask", _question(run, keys))
    if consuming.held_back:
        return Words("ask", f"{consuming.held_back} · {_progress(consuming)}")
    return Words("busy", _progress(consuming))


def counts(consuming: Consuming) -> str:
    """How many ended how since the start: "12 succeeded · 1 failed"."""
    ended = consuming.runs.ended
    return " · ".join(f"{count(ended[state])} {state}" for state in _COUNTED if ended[state] > 0)


def _problem(consuming: Consuming) -> str:
    lines = consuming.problem.strip().splitlines() or [""]
    text = safe(lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1].strip()}")
    return text[:_LONGEST_PROBLEM]


def _offer(consuming: Consuming, task: Task) -> str:
    name = task_name(task.type, task.id)
    if not consuming.types:
        return f"dry run of {name}: load its handler first"
    if task.type not in consuming.types:
        return f"dry run of {name}: no handler for its type is loaded"
    return f"dry run of {name}? Its handler really runs; the table stays"


def _empty(consuming: Consuming) -> tuple[str, str]:
    died = consuming.last_words
    if died is None:
        if consuming.target:
            return "", "the handlers' process is gone; load them again"
        return "", "no handlers yet: name them as module:attr; Enter loads them"
    text = f"the handlers' process {end_of(died)}"
    if held := consuming.runs.ended[RunState.ABANDONED]:
        tasks = "its task comes" if held == 1 else f"its {counted(held, 'task')} come"
        text += f"; {tasks} back when the leases lapse"
    return "error", f"{text}. Load the handlers again to go on"


def _ready(consuming: Consuming, *, read_only: bool) -> str:
    names = ", ".join(safe(name, _LONGEST_NAME) for name in consuming.types[:_NAMED])
    more = f" and {count(len(consuming.types) - _NAMED)} more" * (len(consuming.types) > _NAMED)
    parts = ["read-only: dry runs only" if read_only else "ready", counts(consuming)]
    return " · ".join(part for part in (*parts, f"handles {names}{more}") if part)


def _question(run: Run, keys: Mapping[str, str]) -> str:
    choices = " · ".join(f"{keys[name]} {name}" for name in DECISIONS)
    return f"{task_name(run.task.type, run.task.id)} waits: {choices}"


def _progress(consuming: Consuming) -> str:
    running = consuming.runs.running
    held = consuming.runs.in_flight
    match consuming.phase:
        case Phase.STARTING:
            state = "starting …"
        case Phase.STOPPING:
            waits = (
                f"{counted(running, 'handler')} finish" if running != 1 else "a handler finishes"
            )
            state = f"stopping: {waits}" if running else "stopping …"
        case Phase.STEPPING:
            state = "stepping" if held else "stepping: no task to claim yet"
        case _:
            state = "consuming" if held or not consuming.idle else "consuming: no task to claim"
    parts = [state, f"{count(held)} in flight" if held else "", counts(consuming)]
    return " · ".join(part for part in parts if part)


def work_line(target: str, start: Start, settings: Settings) -> str:
    """The `tasq work` command that consumes as `start` does; types it can't choose are noted."""
    words = ["tasq", "work", *target_options(settings), target]
    for queue in start.queues or ():
        words += ["--queue", queue]
    words += ["--workers", str(1 if start.step else start.concurrency)]
    words += ["--visibility-timeout", f"{start.visibility_timeout:g}s"]
    words += ["--poll-interval", f"{start.poll_interval:g}s", "--retry-backoff", "0s"]
    notes = ["step by step"] if start.step else []
    if start.types is not None:
        notes.append(f"only {', '.join(safe(name, _LONGEST_NAME) for name in start.types)}")
    return shlex.join(words) + (f"  # {'; '.join(notes)}" if notes else "")
