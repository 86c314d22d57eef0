"""The options that verbs share, and the ones that every verb takes, before and after it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from tasq_tui.cli.formats import Format


@dataclass(slots=True)
class Given:
    """The options of every verb, None where not given; after the verb beats before it."""

    url: str | None = None
    prefix: str | None = None
    profile: str | None = None
    read_only: bool | None = None
    timeout: float | None = None


def _everywhere(
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The database (or TASQ_URL): postgresql://user@host/db,"
            " mysql://user@host/db, sqlite:///file.db.",
        ),
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(metavar="NAME", help="The table is NAME_tasks (or TASQ_PREFIX).")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A profile of the config file (or TASQ_PROFILE)."),
    ] = None,
    read_only: Annotated[
        bool | None,
        typer.Option(
            "--read-only/--read-write",
            help="Let the database refuse every change.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0.001,
            help="Give up on a connection or a statement after so long.",
        ),
    ] = None,
) -> None:
    """Stands for the options of every verb; never called."""


def shared_parameters() -> list[Any]:
    """Fresh parameters that note what they are given in the context's `Given`."""
    template = typer.Typer(add_completion=False, rich_markup_mode=None)
    template.command()(_everywhere)
    parameters = get_command(template).params
    for parameter in parameters:
        parameter.expose_value = False
        parameter.callback = _noting(parameter.name or "")
    return list(parameters)


def _noting(name: str) -> Callable[..., Any]:
    def note(context: Any, parameter: Any, value: Any) -> Any:  # noqa: ARG001 - the parser's call
        if value is not None and isinstance(context.obj, Given):
            setattr(context.obj, name, value)
        return value

    return note


class VerbCommand(TyperCommand):
    """A verb: takes the shared options too, behind its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *shared_parameters()]
        self.help = preformatted(self.help or "")


def preformatted(text: str) -> str:
    """`text` whose paragraphs with indented lines are marked to keep their lines in help."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        f"\b\n{paragraph}" if "\n " in paragraph.strip("\n") else paragraph
        for paragraph in paragraphs
    )


def verb_app() -> typer.Typer:
    """The Typer of one module of verbs."""
    return typer.Typer(add_completion=False, rich_markup_mode=None)


def verb_of(app: typer.Typer, name: str) -> Any:
    """The command called `name` of a module's Typer."""
    found: Any = get_command(app)
    return found.commands[name] if isinstance(found, TyperGroup) else found


# -- shared by some verbs --------------------------------------------------------------------

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        help="Ids, or unique beginnings of them; - reads them from standard input.",
        show_default=False,
    ),
]
Where = Annotated[
    str | None,
    typer.Option(metavar="FILTER", help="As in 'status:failed queue:mail created:>2h'."),
]
Statuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="new, enqueued, in_progress, successful,"
        " failed, open or finished; repeat, or list with commas.",
    ),
]
Queues = Annotated[
    list[str] | None,
    typer.Option("--queue", metavar="QUEUE", help="Exactly this; repeat for more."),
]
Types = Annotated[
    list[str] | None, typer.Option("--type", metavar="TYPE", help="Exactly this; repeat for more.")
]
OlderThan = Annotated[
    str | None, typer.Option(metavar="AGE", help="Created at least so long ago: 30m, 2h, 7d.")
]
Everything = Annotated[bool, typer.Option("--all", help="All tasks there are.")]
Limit = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="At most N; 0 is no limit.", show_default=False),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="The form of what is printed.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same as -o json.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
