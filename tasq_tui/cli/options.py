"""The options that verbs share, and the ones that every verb takes, before and after it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_click_type, get_command

from tasq_core.errors import InvalidInputError
from tasq_tui.cli.formats import Format, RowFormat


@dataclass(slots=True)
class Given:
    """The options of every verb, None where not given; after the verb beats before it."""

    url: str | None = None
    prefix: str | None = None
    profile: str | None = None
    read_only: bool | None = None
    time_zone: str | None = None
    timeout: float | None = None


def shared_parameters() -> list[Any]:
    """Fresh parameters that note what they are given in the context's `Given`."""
    return noted(
        _note_given,
        option(
            "url",
            metavar="URL",
            help="The database (or TASQ_URL): postgresql://user@host/db,"
            " mysql://user@host/db, sqlite:///file.db.",
        ),
        option("prefix", metavar="NAME", help="The table is NAME_tasks (or TASQ_PREFIX)."),
        option("profile", metavar="NAME", help="A profile of the config file (or TASQ_PROFILE)."),
        option(
            "read_only",
            "--read-only/--read-write",
            is_flag=True,
            help="Let the database refuse every change.",
            show_default=False,
        ),
        option(
            "time_zone",
            metavar="ZONE",
            help="The zone of the table's times (MySQL, MariaDB; or TASQ_TIME_ZONE): Go stores"
            " local time. UTC, local, or a name like Europe/Berlin.",
        ),
        option(
            "timeout",
            type=at_least(0.001),
            metavar="SECONDS",
            help="Give up on a connection or a statement after so long.",
        ),
    )


def option(name: str, flag: str = "", *, show_default: bool | str = True, **given: Any) -> Any:
    """An option whose value goes by `name`.

    Args:
        name: as in the `Given` or `Choice` it is noted in.
        flag: how it is written; "" derives it from the name.
        show_default: whether help says what it is without, or these words for it.
        given: the parser's further settings.
    """
    flag = flag or f"--{name.replace('_', '-')}"
    return TyperOption(param_decls=[name, flag], show_default=show_default, **given)


def at_least(low: float) -> Any:
    """The type of a number not below `low`: whole where that is."""
    return get_click_type(annotation=type(low), parameter_info=typer.Option(min=low))


def noted(note: Callable[[Any, str, Any], None], *parameters: Any) -> list[Any]:
    """`parameters` whose values go to `note`, not to a verb.

    Args:
        note: takes the context, a parameter's name and what it was given.
        parameters: fresh ones.
    """
    for parameter in parameters:
        parameter.expose_value = False
        parameter.callback = _noting(parameter.name or "", note)
    return list(parameters)


def _noting(name: str, note: Callable[[Any, str, Any], None]) -> Callable[..., Any]:
    def called(context: Any, parameter: Any, value: Any) -> Any:  # noqa: ARG001 - the parser's call
        note(context, name, value)
        return value

    return called


def _note_given(context: Any, name: str, value: Any) -> None:
    if value is not None and isinstance(context.obj, Given):
        setattr(context.obj, name, value)


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

Output = Annotated[Format, typer.Option("--output", "-o", help="The form of what is printed.")]
RowOutput = Annotated[RowFormat, typer.Option("--output", "-o", help="The form of the rows.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same as -o json.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
NoTrash = Annotated[
    bool,
    typer.Option("--no-trash", help="Don't keep the rows as they were: nothing can be undone."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def chosen(form: Format | RowFormat, as_json: bool) -> Format:
    """The form that `-o` and `--json` together ask for; JSON lines are JSON.

    Raises:
        InvalidInputError: they contradict each other.
    """
    if not as_json or form in (Format.JSON, Format.NDJSON):
        return Format(form)
    if form != Format.TABLE:
        raise InvalidInputError(f"--json and -o {form} contradict each other; give one of them")
    return Format.JSON
