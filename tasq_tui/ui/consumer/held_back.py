"""Why a consumer claims less than it could: it is quiet, or something is paused. Pure."""

from collections.abc import Iterable, Sequence

from tasq_core.fleet.reports import ConsumerReport, Pause
from tasq_tui.child.protocol import Start
from tasq_tui.ui.queues.pauses import described


def held_back(
    start: Start, types: Sequence[str], pauses: Iterable[Pause], report: ConsumerReport | None
) -> str:
    """What keeps it from claiming, and where that is lifted; "" where nothing does.

    Args:
        start: what it consumes.
        types: what it has handlers for.
        pauses: of the database.
        report: of its last heartbeat; None before the first.
    """
    if report is not None and report.state == "quiet":
        return "quiet: it claims nothing until it is resumed, on 5 Fleet"
    own = [pause for pause in pauses if _concerns(pause, start, types)]
    if not own:
        return ""
    more = f" and {len(own) - 1} more" if len(own) > 1 else ""
    return f"paused: {described(own[0])}{more}; 3 Queues & types resumes it"


def _concerns(pause: Pause, start: Start, types: Sequence[str]) -> bool:
    if pause.kind == "queue":
        return start.queues is None or pause.name in start.queues
    return pause.name in types and (start.types is None or pause.name in start.types)
