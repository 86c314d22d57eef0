"""The actions: one registry from which key bindings, footer, palette, help and docs are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from textual.binding import Binding


class Scope(StrEnum):
    """Where an action can be called."""

    APP = "everywhere"
    OVERVIEW = "overview"
    TASKS = "tasks"
    QUEUES = "queues & types"
    ERRORS = "errors"
    FLEET = "fleet"
    CONSUMER = "consumer"
    HISTORY = "history"


class Tone(StrEnum):
    """What a key does to what is there; the values are styles."""

    PLAIN = ""
    DANGER = "$text-error"
    """It destroys something, or stops somebody's work."""
    UNDO = "$text-success"
    """It restores something."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do with a key."""

    scope: Scope
    name: str
    """What it is called in `[keys]` of the config file."""
    key: str
    """Its default keys, with commas between."""
    label: str
    """As in the footer."""
    about: str
    """As in the help: one sentence without its full stop."""
    call: str = ""
    """What Textual runs; the name if empty."""
    show: bool = True
    """Whether the footer shows it."""
    writes: bool = False
    """Whether it changes the table, and so is off in a read-only session."""
    tone: Tone = Tone.PLAIN
    """How the footer colours its key."""

    @property
    def binding_id(self) -> str:
        """The id under which its keys can be replaced."""
        return f"{self.scope.name.lower()}.{self.name}"

    @property
    def binding(self) -> Binding:
        """The action as Textual has it."""
        return Binding(
            self.key,
            self.call or self.name,
            self.label,
            show=self.show,
            tooltip=self.about,
            id=self.binding_id,
        )


_APP, _TASKS, _ERRORS = Scope.APP, Scope.TASKS, Scope.ERRORS
_QUEUES, _OVERVIEW, _LOG = Scope.QUEUES, Scope.OVERVIEW, Scope.HISTORY
_CONS: Final = Scope.CONSUMER
_FLEET: Final = Scope.FLEET

ACTIONS: Final = (
    Action(_APP, "overview", "1", "Overview", "Go to the overview",
           call="go('overview')", show=False),
    Action(_APP, "tasks", "2", "Tasks", "Go to the tasks", call="go('tasks')", show=False),
    Action(_APP, "queues", "3", "Queues & types", "Go to the queues and types",
           call="go('queues')", show=False),
    Action(_APP, "errors", "4", "Errors", "Go to the errors", call="go('errors')", show=False),
    Action(_APP, "fleet", "5", "Fleet", "Go to the consumers everywhere",
           call="go('fleet')", show=False),
    Action(_APP, "consumer", "6", "Consumer", "Go to the consumer of this app",
           call="go('consumer')", show=False),
    Action(_APP, "history", "7", "History", "Go to the history of changes",
           call="go('history')", show=False),
    Action(_APP, "refresh", "f5", "Refresh", "Read the data again now", show=False),
    Action(_APP, "pause", "f6", "Pause", "Stop refreshing, or go on", show=False),
    Action(_APP, "migrate", "m", "Migrate", "Create the missing table", writes=True),
    Action(_APP, "theme", "ctrl+t", "Theme", "Go to the next theme", call="next_theme",
           show=False),
    Action(_APP, "profiles", "ctrl+o", "Profiles", "Open another database by its profile",
           show=False),
    Action(_APP, "palette", "ctrl+p", "Palette", "Find an action by its name",
           call="command_palette", show=False),
    Action(_APP, "help", "question_mark,f1", "Keys", "Show all keys"),
    Action(_APP, "quit", "q", "Quit", "Leave tasq"),

    Action(_TASKS, "back", "escape", "Back", "Go back: to the list, the filter, the screen before"),
    Action(_TASKS, "filter", "slash", "Filter", "Filter the list; in the detail, search in it"),
    Action(_TASKS, "requeue", "r", "Requeue", "Make the tasks new and ready; attempts stay",
           call="requeue(False)", writes=True),
    Action(_TASKS, "reset", "R", "From zero",
           "Retry from zero: the attempts are 0 again",
           call="requeue(True)", writes=True),
    Action(_TASKS, "edit", "e", "Edit", "Give open tasks another queue, priority or time",
           show=False, writes=True),
    Action(_TASKS, "cancel", "C", "Cancel", "End open tasks as failed, running ones too",
           show=False, writes=True, tone=Tone.DANGER),
    Action(_TASKS, "delete", "d,delete", "Delete", "Delete the tasks; they go to the trash",
           writes=True, tone=Tone.DANGER),
    Action(_TASKS, "undo", "U", "Undo", "Put back the rows of the last change",
           writes=True, tone=Tone.UNDO),
    Action(_TASKS, "purge", "P", "Purge", "Delete all tasks that match the filter",
           writes=True, tone=Tone.DANGER),
    Action(_TASKS, "clone", "c", "Clone", "Edit a copy of the task and submit it", writes=True),
    Action(_TASKS, "new", "i", "New", "Write a new task and submit it", writes=True),
    Action(_TASKS, "mark_all", "A", "All", "Mark all tasks that match, loaded or not"),
    Action(_TASKS, "order", "s", "Order", "Turn the order of the list round"),
    Action(_TASKS, "sort", "S", "Sort", "Sort by the end, or by the creation again", show=False),
    Action(_TASKS, "follow", "f", "Follow", "Stay at the newest task as tasks come in, or stop"),
    Action(_TASKS, "columns", "o", "Columns", "Choose the columns and by which to sort"),
    Action(_TASKS, "jump", "ctrl+g", "Go to id", "Go to the task with an id", show=False),
    Action(_TASKS, "zoom", "z", "Zoom", "Give the pane in focus all the room, or share it again",
           show=False),
    Action(_TASKS, "next_found", "n", "Next", "Go to the next place of what is searched for",
           call="next_found(1)"),
    Action(_TASKS, "previous_found", "N", "Previous", "Go to the place before", show=False,
           call="next_found(-1)"),
    Action(_TASKS, "copy", "y", "Copy", "Copy the ids; in the detail, the part in focus"),
    Action(_TASKS, "copy_task", "Y", "Copy task", "Copy the task as JSON", show=False),
    Action(_TASKS, "export", "ctrl+s", "Export", "Write the tasks to a file"),
    Action(_TASKS, "dry_run", "x", "Dry run", "Run a handler on the task, leaving the table alone"),
    Action(_TASKS, "args_mode", "t", "Args", "Show the arguments as tree, text or bytes",
           show=False),

    Action(_OVERVIEW, "undo", "U", "Undo", "Put back the rows of the last change",
           show=False, writes=True, tone=Tone.UNDO),
    Action(_OVERVIEW, "new", "i", "New task", "Write a new task and submit it", writes=True),
    Action(_OVERVIEW, "shorter", "left_square_bracket", "Shorter",
           "Show a shorter time in the chart", call="range(-1)", show=False),
    Action(_OVERVIEW, "longer", "right_square_bracket", "Range", "Show a longer time in the chart",
           call="range(1)"),
    Action(_OVERVIEW, "recount", "c", "Count", "Count the finished tasks again now"),

    Action(_QUEUES, "sort", "s", "Sort", "Sort by the next column"),
    Action(_QUEUES, "pause", "p", "Pause", "Pause the queue, type or schedule, or resume it",
           writes=True),
    Action(_QUEUES, "run", "r", "Run now", "Submit a task of the schedule now", writes=True),
    Action(_QUEUES, "remove", "d,delete", "Remove", "Remove the schedule", writes=True,
           tone=Tone.DANGER),
    Action(_QUEUES, "copy", "y", "Copy", "Copy the name to the clipboard"),

    Action(_ERRORS, "requeue", "r", "Requeue", "Requeue all tasks of the group",
           call="requeue(False)", writes=True),
    Action(_ERRORS, "reset", "R", "From zero",
           "Retry the group from zero: its attempts are 0 again",
           call="requeue(True)", writes=True),
    Action(_ERRORS, "delete", "d,delete", "Delete", "Delete all tasks of the group",
           writes=True, tone=Tone.DANGER),
    Action(_ERRORS, "undo", "U", "Undo", "Put back the rows of the last change",
           writes=True, tone=Tone.UNDO),
    Action(_ERRORS, "sort", "s", "Sort", "Sort by count or by the latest failure"),
    Action(_ERRORS, "retrying", "t", "Retrying", "Show those too that failed and may succeed yet"),
    Action(_ERRORS, "copy", "y", "Copy", "Copy the message to the clipboard"),

    Action(_FLEET, "stacks", "t", "Stacks", "Read where the consumer's handlers stand"),
    Action(_FLEET, "quiet", "Q", "Quiet", "Let the consumer claim nothing more", writes=True),
    Action(_FLEET, "resume", "R", "Resume", "Let the consumer claim again", writes=True,
           tone=Tone.UNDO),
    Action(_FLEET, "stop", "S", "Stop", "Stop the consumer; what runs finishes", writes=True,
           tone=Tone.DANGER),

    Action(_CONS, "run", "e", "Run", "Run the handler on the task that waits",
           call="decide('run')", writes=True),
    Action(_CONS, "skip", "n", "Skip", "Give the task that waits back; the attempt isn't counted",
           call="decide('skip')", writes=True),
    Action(_CONS, "fail", "f", "Fail", "End the task that waits as failed, with a reason",
           writes=True),
    Action(_CONS, "requeue", "r", "Requeue", "Make the task that waits new; the attempt counts",
           call="decide('requeue')", writes=True),
    Action(_CONS, "back", "escape", "Back", "Leave a field, a zoomed pane, or what it says above"),
    Action(_CONS, "start", "s", "Start", "Claim tasks and run their handlers",
           call="start(False)", writes=True),
    Action(_CONS, "step", "w", "Step", "Claim one task at a time and decide on each",
           call="start(True)", writes=True),
    Action(_CONS, "stop", "S", "Stop", "Claim no more; running handlers finish"),
    Action(_CONS, "dry_run", "x", "Dry run", "Run a handler on the task, leaving the table alone"),
    Action(_CONS, "load", "l", "Load", "Name the handlers to load, module:attr"),
    Action(_CONS, "options", "o", "Options", "Choose queues, types, workers and lease"),
    Action(_CONS, "reload", "ctrl+r", "Reload", "Load the handlers' code anew and go on with it"),
    Action(_CONS, "kill", "K", "Kill", "Kill the handlers' process; its tasks come back later",
           tone=Tone.DANGER),
    Action(_CONS, "zoom", "z", "Zoom", "Give the pane in focus all the room, or share it again",
           show=False),
    Action(_CONS, "args_mode", "t", "Args", "Show the arguments as tree, text or bytes",
           show=False),

    Action(_LOG, "copy", "y", "Copy", "Copy the command to the clipboard"),
    Action(_LOG, "undo", "U", "Undo", "Put back the rows of the change under the cursor",
           writes=True, tone=Tone.UNDO),
)  # fmt: skip


_TONES: Final = {action.binding_id: action.tone for action in ACTIONS}


def bindings(scope: Scope) -> list[Binding]:
    """The key bindings of a screen, or of the app."""
    return [action.binding for action in ACTIONS if action.scope is scope]


def named(scope: Scope, name: str) -> Action:
    """The action called `name` in `scope`."""
    return next(action for action in ACTIONS if (action.scope, action.name) == (scope, name))


def tone(binding_id: str | None) -> Tone:
    """How the footer colours the key of a binding."""
    return _TONES.get(binding_id or "", Tone.PLAIN)


def writes(scope: Scope, call: str) -> bool:
    """Whether calling `call` (without its arguments) in `scope` changes the table."""
    return any(
        action.writes
        and action.scope is scope
        and (action.call or action.name).partition("(")[0] == call
        for action in ACTIONS
    )


def keymap(
    keys: Mapping[str, str], known: Sequence[Action] = ACTIONS
) -> tuple[dict[str, str], list[str]]:
    """The keys a user wants, by binding id, and a complaint for each that can't be had.

    Args:
        keys: `name = "key"` for an action wherever it is, `"tasks.name"` for one screen's.
        known: the actions there are.
    """
    chosen: dict[str, str] = {}
    complaints: list[str] = []
    for name, key in keys.items():
        ids = [a.binding_id for a in known if name in (a.binding_id, a.name)]
        chosen.update(dict.fromkeys(ids, key))
        if not ids:
            names = {a.name for a in known} | {a.binding_id for a in known}
            close = get_close_matches(name, names, 1)
            hint = f"did you mean {close[0]!r}?" if close else "see docs/keys.md"
            complaints.append(f"[keys] {name!r} is not an action; {hint}")
    return chosen, complaints
