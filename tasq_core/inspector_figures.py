"""The inspector's figures over time: timings, activity, rates."""

from datetime import timedelta

from tasq_core.durations import Duration, seconds
from tasq_core.fleet.inspection import FleetInspection
from tasq_core.repository.figures_sql import FigureReader
from tasq_core.timings import (
    Activity,
    Rates,
    Since,
    Timings,
    read_activity,
    read_rates,
    read_timings,
    window,
)


class InspectorFigures(FleetInspection):
    """What the table's own times tell; at most the newest 40,000 rows of a window are read.

    On MySQL and MariaDB 10,000: there each of them is looked up in another index.
    """

    def timings(
        self, by: str | None = "type", since: Since = 3600, until: Since | None = None
    ) -> Timings:
        """How many tasks ended in a window, and how long they waited and ran.

        A wait is from the submit to the last start, so that a delay and earlier attempts are
        part of it; a run is from the last start to the end.

        Args:
            by: "queue", "type", or None for one row over all.
            since: an aware time, or seconds ago.
            until: the same; None is now.

        Raises:
            InvalidInputError: another `by`, a time without a zone, an empty window.
            InvalidTypeError: neither a time nor a duration.
        """
        begin, end = window(self._repository.now(), since, until)
        return read_timings(FigureReader(self._repository), by, begin, end)

    def activity(
        self,
        since: Since = 3600,
        bucket: Duration = 60,
        by: str | None = None,
        until: Since | None = None,
    ) -> Activity:
        """Tasks created, successful and failed in each bucket of time.

        Args:
            since: an aware time, or seconds ago.
            bucket: seconds; buckets begin at multiples of it since 1970 UTC.
            by: "queue" or "type"; None doesn't tell them apart.
            until: as `since`; None is now.

        Raises:
            InvalidInputError: another `by`, a time without a zone, an empty window, or more
                than ten thousand buckets.
            InvalidTypeError: neither a time nor a duration.
        """
        begin, end = window(self._repository.now(), since, until)
        length = timedelta(seconds=seconds("bucket", bucket, positive=True))
        return read_activity(FigureReader(self._repository), by, begin, end, length)

    def rates(self, by: str | None = "queue", since: Since = 600) -> Rates:
        """Tasks created and ended a minute, and the time until the backlog is gone.

        Args:
            by: "queue", "type", or None for one row over all.
            since: measured since then: an aware time, or seconds ago.

        Raises:
            InvalidInputError: another `by`, or a time without a zone.
            InvalidTypeError: neither a time nor a duration.
        """
        begin, end = window(self._repository.now(), since)
        return read_rates(FigureReader(self._repository), by, begin, end)

    def has_registry(self) -> bool:
        """Whether the side tables are there: without them consumers and pauses aren't known."""
        return self._side() is not None
