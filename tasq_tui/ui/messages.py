"""What screens ask of the app."""

from dataclasses import dataclass

from textual.message import Message

from tasq_core.task import Task


@dataclass
class Go(Message):
    """Show another screen."""

    screen: str


@dataclass
class ShowTasks(Message):
    """Show the tasks that match a filter."""

    where: str


@dataclass
class DryRun(Message):
    """Let the consumer try a handler on this task without touching the table."""

    task: Task
