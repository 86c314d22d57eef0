"""The command `tasq`: finds the verb, imports only what it needs, and ends with its exit code."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from tasq_tui.cli.options import Given, preformatted, shared_parameters, verb_of
from tasq_tui.cli.verbs import VERBS

_HELP: Final = """Look at, change and run the tasks of a tasq queue.

    Without a verb, on a terminal, the app opens. The database comes from --url, TASQ_URL or a
    profile. `tasq VERB --help` tells more, with examples.
    """

_EPILOG: Final = """
Filters: status:failed,new queue:mail type:send* prio:>=5 receives:>=3 id:ab12
         error:"connection refused" args:needle created:>2h finished:<1d
         took:>5s waited:>1m args.amount:>100 -queue:tmp
         is:ready|delayed|leased|stale|exhausted|retrying

Exit codes: 0 done, 1 failed or declined, 2 usage, 3 not found, 4 timeout,
            5 cannot connect, 6 partly done, 7 refused (read-only), 8 unhealthy,
            130 interrupted.
"""


class VerbGroup(TyperGroup):
    """Imports a verb's module when it is called; help needs none of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*shared_parameters(), *self.params]
        names: dict[str, Any] = dict.fromkeys(VERBS)
        self.commands = names  # what a mistyped verb is compared with

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the base's signature
        """The verbs, in the order of help."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """The verb's command, its module imported now."""
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module = import_module(f"tasq_tui.cli.commands.{verb.module}")
        return verb_of(module.app, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as above
        """A line a verb, from the table."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])


root = typer.Typer(cls=VerbGroup, rich_markup_mode=None, add_completion=True)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from tasq_tui.cli import output

        output.text(f"tasq {version('tasq-tui')}")
        raise typer.Exit


@root.callback(
    invoke_without_command=True,
    subcommand_metavar="VERB …",
    help=_HELP,
    epilog=preformatted(_EPILOG.strip()),
    context_settings={"help_option_names": ["-h", "--help"]},
)
def without_verb(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> int:
    """Open the app on a terminal; elsewhere show the help, and exit 2."""
    if context.invoked_subcommand is not None:
        return 0
    if sys.stdin.isatty() and sys.stdout.isatty():
        from tasq_tui.cli.cockpit import open_cockpit

        return open_cockpit(context.obj)
    from tasq_tui.cli import diagnostics

    diagnostics.note(context.get_help())
    return diagnostics.ExitCode.USAGE


def main() -> None:
    """Run the command line, and exit with its code."""
    from tasq_tui.cli import streams

    streams.prepare()
    sys.exit(run(streams.arguments()))


def run(arguments: Sequence[str]) -> int:
    """Run `tasq` with `arguments`; its exit code."""
    return guarded(lambda: _invoke(arguments))


def guarded(work: Callable[[], int]) -> int:
    """Do `work`; its exit code, or that of the error it ends with, which is told."""
    from tasq_core.errors import TasqError
    from tasq_tui.cli import diagnostics, interrupts, output, streams

    try:
        with interrupts.raised():
            code = work()
            output.flush()
    except output.OutputClosedError:
        return diagnostics.ExitCode.DONE
    except KeyboardInterrupt:
        return diagnostics.ExitCode.INTERRUPTED
    except BrokenPipeError:  # of help, which the parser prints
        output.discard()
        return diagnostics.ExitCode.DONE
    except TasqError as error:  # one that waited too long is an OSError, too
        return diagnostics.failed(error)
    except OSError as error:
        if not streams.is_full(error):
            raise
        output.discard()
        return diagnostics.failed(output.failure(error))
    return code


def _invoke(arguments: Sequence[str]) -> int:
    group = get_command(root)
    try:
        result = group.main(list(arguments), "tasq", standalone_mode=False, obj=Given())
    except Exception as error:
        # Typer's parse errors; their class has moved between its versions.
        if not (hasattr(error, "format_message") and hasattr(error, "exit_code")):
            raise
        from tasq_tui.cli import diagnostics

        context = getattr(error, "ctx", None)
        hint = f"Try '{context.command_path} --help'." if context else ""
        return diagnostics.usage(_in_plain_words(error.format_message()), hint)
    return result if isinstance(result, int) else 0


def _in_plain_words(message: str) -> str:
    """The parser's message without the names of its types."""
    for name, plain in (("int", "whole number"), ("float", "number")):
        for type_ in (f"{name} range", name):
            message = message.replace(f"is not a valid {type_}.", f"is not a {plain}.")
    return message
