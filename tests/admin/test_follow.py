"""Following a table whose rows' clocks differ."""

from datetime import timedelta

from tasq_core.filters import Filter
from tasq_core.task import TaskStatus
from tasq_tui.admin.follow import Follower
from tests.support.builders import make_task


def test_a_task_from_the_future_hides_none_that_comes_later(repository):
    """One producer whose clock was an hour ahead silenced `tasq tail` for an hour."""
    follower = Follower(repository, Filter())
    ahead = repository.now() + timedelta(hours=1)
    ended = {"status": TaskStatus.FAILED, "finished_at": ahead, "created_at": ahead}
    odd = [make_task(created_at=ahead), make_task(**ended)]
    repository.restore_tasks(odd)
    assert {event.task.id for event in follower.look()} == {task.id for task in odd}

    now = repository.now()
    later = [make_task(created_at=now), make_task(**ended | dict.fromkeys(_TIMES, now))]
    repository.restore_tasks(later)

    found = follower.look()
    assert [event.task.id for event in found].count(later[0].id) == 1
    assert {event.what.value for event in found if event.task.id == later[1].id} == {
        "created", "ended",
    }  # fmt: skip
    assert follower.look() == []


_TIMES = ("created_at", "finished_at")
