"""What the waker asks for once it listens, beside a database that does or doesn't tell of changes."""

import logging
import threading

import pytest

from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.consumer.waker import Waker


class _Wakeup:
    """Tells of nothing; closes its waker when it is waited on."""

    def __init__(self, *, reports_steering: bool) -> None:
        self.reports_steering = reports_steering
        self.on_wait = lambda: None

    def wait(self, _timeout: float) -> bool:
        self.on_wait()
        return False

    def leases_broken(self) -> bool:
        return False

    def fleet_changed(self) -> bool:
        return False

    def close(self) -> None:
        pass


class _Repository:
    def __init__(self, wakeup: _Wakeup) -> None:
        self.wakeup = wakeup

    def open_wakeup(self) -> _Wakeup:
        return self.wakeup


@pytest.mark.parametrize("reports_steering", [True, False])
def test_commands_and_pauses_are_looked_for_where_one_may_have_been_missed(reports_steering):
    """Else a pause just before the listening waits for a heartbeat; or each start reads twice."""
    asked = []
    wakeup, idle = _Wakeup(reports_steering=reports_steering), threading.Event()
    waker = Waker(
        _Repository(wakeup),
        ConsumerLog(logging.getLogger(__name__), None),
        idle,
        lambda: asked.append("tasks"),
        on_leases_broken=lambda: asked.append("leases"),
        on_fleet_changed=lambda: asked.append("fleet"),
    )
    wakeup.on_wait = waker.close
    idle.set()

    waker.run()

    assert asked == (["tasks", "fleet"] if reports_steering else ["tasks"])
