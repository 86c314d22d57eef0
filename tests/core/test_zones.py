"""Wall times of a zone and what they are read as."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from tasq_core.repository import zones


@settings(max_examples=300, deadline=None)
@given(
    at=st.datetimes(datetime(2, 1, 2), datetime(9999, 12, 29), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(
        [
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "Asia/Tokyo",
            "Pacific/Apia",
            "Pacific/Kwajalein",
            "local",
        ]
    ),
)
def test_wall_times_are_read_as_what_was_written(at: datetime, zone: str):
    """A page that goes on from a time read wrong repeats rows or leaves some out."""
    wall = zones.WallTime(zones.zone_named(zone))
    written = wall.write(at)
    early, late = wall.read(written), wall.read(written, later=True)
    assert at in (early, late)
    assert early <= late
    assert wall.write(early) == wall.write(late) == written
