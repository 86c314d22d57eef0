"""Clocks that disagree: the database's decides, the machines' don't matter."""

import sys
from datetime import timedelta

import pytest

from tests.support.wait import wait_until


def test_the_shifted_clock_is_shifted(clock, start_process):
    code = "import time, datetime; print(time.time(), datetime.datetime.now().timestamp())"
    process = start_process(sys.executable, "-c", code, env=clock(3600))
    assert process.wait() == 0, str(process)
    import time

    for told in process.stdout.split():
        assert 3500 < float(told) - time.time() < 3700


@pytest.mark.parametrize("minutes", [-60, 10])
def test_consumers_whose_clocks_are_wrong_neither_hurry_nor_wait(
    served_fleet, clock, outcome, minutes
):
    fleet = served_fleet
    lease = {"visibility_timeout": 3, "poll_interval": 0.2}
    now = fleet.repository.now()
    slow = fleet.submit("sleep", seconds=5)
    delayed = fleet.submit(
        "raise", error="value", times=0, fields={"visible_at": now + timedelta(seconds=3)}
    )
    far = fleet.submit(fields={"visible_at": now + timedelta(minutes=30)})
    wrong = fleet.start(options=lease, env=clock(minutes * 60))
    right = fleet.start(options=lease)
    wait_until(lambda: len(fleet.runs_of(delayed)) == 1, 20)
    assert fleet.repository.now() - now >= timedelta(seconds=3)
    row = fleet.wait_for(slow, "SUCCESSFUL")
    assert row.receive_count == 1
    assert now <= row.started_at <= row.finished_at <= fleet.repository.now()
    assert fleet.row(far).receive_count == 0
    wrong.kill()
    right.stop()
    outcome(f"{minutes:+d} min: delays and leases kept, times written by the database's clock")


def test_a_producers_delay_is_counted_by_the_databases_clock(served_fleet, clock, outcome):
    fleet = served_fleet
    producer = fleet.start("delay", env=clock(3600))
    producer.wait_for("submitted")
    rows = fleet.repository.scan_tasks(None, None, None)
    ahead = (rows[0].visible_at - fleet.repository.now()).total_seconds()
    assert 0 < ahead <= 600, ahead
    outcome(f"delay=600 from a clock an hour ahead: visible in {ahead:.0f} s")


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["America/St_Johns", "Pacific/Kiritimati"])
def test_the_time_zone_of_a_process_changes_nothing(fleet, outcome, zone):
    now = fleet.repository.now()
    later = fleet.submit(fields={"visible_at": now + timedelta(hours=1)})
    soon = fleet.submit(fields={"visible_at": now + timedelta(seconds=1.5)})
    ready = fleet.submit()
    worker = fleet.start(env={"TZ": zone})
    fleet.wait_for(ready, "SUCCESSFUL")
    row = fleet.wait_for(soon, "SUCCESSFUL")
    assert row.started_at - now >= timedelta(seconds=1.5)
    assert fleet.row(later).receive_count == 0
    worker.stop()
    outcome(f"{zone}: year 1 read, delays of seconds and hours kept")
