"""The verbs: where each is, and its line in `tasq --help`, so that help imports none of them."""

from typing import Final, NamedTuple


class Verb(NamedTuple):
    """A verb of `tasq`."""

    module: str
    """In `tasq_tui.cli.commands`."""
    help: str


VERBS: Final = {
    "tui": Verb("tui", "Open the app."),
    "demo": Verb("demo", "Open the app on a fresh database with live, made-up work."),
    "migrate": Verb("migrate", "Create the table, or adopt and index an existing one."),
    "submit": Verb("submit", "Submit tasks."),
    "list": Verb("listing", "List tasks, newest first."),
    "show": Verb("listing", "Show tasks in full: times, arguments, error, why one isn't running."),
    "count": Verb("listing", "Count tasks."),
    "stats": Verb("stats", "Count tasks by status, and what holds the open ones."),
    "errors": Verb("stats", "Group failures by message."),
    "requeue": Verb("change", "Run tasks again."),
    "edit": Verb("steer", "Give open tasks another queue, priority, time or arguments."),
    "cancel": Verb("steer", "End open tasks as failed, running ones too."),
    "delete": Verb("change", "Delete tasks; they can be restored from the trash."),
    "purge": Verb("change", "Delete all tasks that match."),
    "clean": Verb("change", "Delete finished tasks once they are old."),
    "undo": Verb("history", "Put the rows back that a change touched."),
    "history": Verb("history", "List the changes made to this database, with their commands."),
    "wait": Verb("follow", "Wait until tasks have ended."),
    "tail": Verb("follow", "Print tasks as they are created, start and end."),
    "export": Verb("transfer", "Write tasks as NDJSON, without loss."),
    "import": Verb("transfer", "Insert exported tasks, or those of the trash, as they were."),
    "fleet": Verb("fleet", "List consumers and what they run; stacks, quiet, resume, stop."),
    "pause": Verb("fleet", "Let Python consumers claim nothing of a queue or type."),
    "resume": Verb("fleet", "End a pause."),
    "work": Verb("work", "Run tasks with your handlers."),
    "schedules": Verb("schedules", "List periodic tasks; run, pause, resume or remove them."),
    "health": Verb("health", "Tell what keeps tasks from running, why, and what to do."),
    "doctor": Verb("doctor", "Check connection, rights, schema, indexes, clock and leases."),
    "metrics": Verb("metrics", "Print or serve OpenMetrics."),
    "serve": Verb("serve", "Serve the app to a browser, read-only unless told otherwise."),
    "profiles": Verb("profiles", "List the profiles of the config file."),
}
