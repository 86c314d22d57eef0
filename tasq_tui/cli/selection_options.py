"""The options that choose tasks: a verb's command class brings them, `choice_of` reads them."""

from dataclasses import replace
from typing import Any, ClassVar, Final

import typer
from typer.core import TyperArgument

from tasq_tui.admin.settings import config_path, named_filter, read_config
from tasq_tui.cli import diagnostics, sanitize
from tasq_tui.cli.options import VerbCommand, at_least, noted, option
from tasq_tui.cli.selection import Choice

_NOTED: Final = "tasq.choice"


def _parameters() -> list[Any]:
    """Fresh parameters that note what they are given as the fields of a `Choice`."""
    return noted(
        _note,
        TyperArgument(
            param_decls=["ids"],
            nargs=-1,
            metavar="ID",
            help="Ids, or unique beginnings of them; - reads them from standard input.",
            show_default=False,
        ),
        option(
            "where",
            metavar="FILTER",
            help="As in 'status:failed queue:mail created:>2h', or the name of a saved one.",
        ),
        option(
            "statuses",
            "--status",
            multiple=True,
            metavar="STATUS",
            help="new, enqueued, in_progress, successful,"
            " failed, open or finished; repeat, or list with commas.",
        ),
        option(
            "queues",
            "--queue",
            multiple=True,
            metavar="QUEUE",
            help="Exactly this; repeat for more.",
        ),
        option(
            "types",
            "--type",
            multiple=True,
            metavar="TYPE",
            help="Exactly this; repeat for more.",
        ),
        option("older_than", metavar="DURATION", help="Created at least so long ago: 2h, 7d."),
        option("everything", "--all", is_flag=True, default=False, help="All tasks there are."),
        option(
            "limit",
            type=at_least(0),
            metavar="N",
            help="At most N, the newest; 0 is no limit.",
            show_default=False,
        ),
        option(
            "order",
            metavar="ORDER",
            help="Which come first, and so which --limit takes: newest or oldest by creation,"
            " last-finished or first-finished by the end.",
            show_default="newest",
        ),
    )


class SelectionCommand(VerbCommand):
    """A verb that takes ids or a filter, before its own options."""

    _left_out: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = _parameters()
        self.params = [p for p in options if p.name not in self._left_out] + self.params


class EditingCommand(SelectionCommand):
    """A verb whose own --queue and --type say what they become."""

    _left_out = frozenset({"queues", "types"})


class FilteringCommand(SelectionCommand):
    """A verb that takes a filter alone."""

    _left_out = frozenset({"ids"})


class NarrowingCommand(SelectionCommand):
    """A verb of failures, all of them or those that a filter leaves."""

    _left_out = frozenset({"ids", "statuses", "everything", "limit", "order"})


def choice_of(context: typer.Context) -> Choice:
    """What the verb was given to choose tasks by; the name of a saved filter is that filter.

    Raises:
        InvalidInputError: the config file is in error.
    """
    choice = Choice(**context.meta[_NOTED])
    if choice.where is None:
        return choice
    saved = named_filter(read_config(config_path()).filters, choice.where)
    if saved is None:
        return choice
    diagnostics.note(sanitize.line(f"the filter {choice.where.strip()}: {saved}"))
    return replace(choice, where=saved)


def checked_choice(context: typer.Context) -> Choice:
    """The same for a verb that changes what it chooses.

    Raises:
        InvalidInputError: nothing was given, or things that exclude each other.
    """
    choice = choice_of(context)
    choice.check()
    return choice


def _note(context: Any, name: str, value: Any) -> None:
    context.meta.setdefault(_NOTED, {})[name] = value
