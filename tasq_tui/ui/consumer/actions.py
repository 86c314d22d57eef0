"""What can be done on the consumer screen."""

from typing import Final

from tasq_tui.ui.actions import Action, Scope

_HERE: Final = Scope.CONSUMER

CONSUMER_ACTIONS: Final = (
    Action(_HERE, "run", "e", "Run", "Run the handler on the task that waits",
           call="decide('run')", writes=True),
    Action(_HERE, "skip", "n", "Skip", "Give the task that waits back; the receive isn't counted",
           call="decide('skip')", writes=True),
    Action(_HERE, "fail", "f", "Fail", "End the task that waits as failed, with a reason",
           writes=True),
    Action(_HERE, "requeue", "r", "Requeue", "Make the task that waits new; the receive counts",
           call="decide('requeue')", writes=True),
    Action(_HERE, "back", "escape", "Back", "Leave a field, a zoomed pane, or what it says above"),
    Action(_HERE, "start", "s", "Start", "Claim tasks and run their handlers",
           call="start(False)"),
    Action(_HERE, "step", "w", "Step", "Claim one task at a time and decide on each",
           call="start(True)"),
    Action(_HERE, "stop", "S", "Stop", "Claim no more; running handlers finish"),
    Action(_HERE, "dry_run", "x", "Dry run", "Run a handler on the task, leaving the table alone"),
    Action(_HERE, "load", "l", "Load", "Name the handlers to load, module:attr"),
    Action(_HERE, "options", "o", "Options", "Choose queues, types, workers and lease"),
    Action(_HERE, "reload", "ctrl+r", "Reload", "Load the handlers' code anew and go on with it"),
    Action(_HERE, "kill", "K", "Kill", "Kill the handlers' process; its tasks come back later"),
    Action(_HERE, "zoom", "z", "Zoom", "Give the pane in focus all the room, or share it again",
           show=False),
    Action(_HERE, "args_mode", "t", "Args", "Show the arguments as tree, text or bytes",
           show=False),
)  # fmt: skip
