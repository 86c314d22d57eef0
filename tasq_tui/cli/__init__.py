"""The command line: `tasq`. It writes through `output` and `diagnostics` alone."""

from tasq_tui.cli import interrupts


def main() -> None:
    """Run the command line, and exit with its code; Ctrl+C ends it while it imports, too."""
    interrupts.leave_at_once()
    from tasq_tui.cli.app import main as run

    run()
