"""The repository of the app's handler process, which reports what it claims."""

from uuid import UUID

from tasq_tui.child.observed import observed
from tasq_tui.child.protocol import Claimed
from tests.support.builders import make_task


def test_a_view_with_a_response_timeout_reports_as_well(repository):
    """A consumer works through such a view: the app would show no task it claimed."""
    task = repository.submit_task(make_task())
    reports: list[object] = []
    view = observed(repository, reports.append).with_response_timeout(5)
    view.poll_tasks(None, None, 30)
    (claimed,) = (report for report in reports if isinstance(report, Claimed))
    assert [UUID(str(one.id)) for one in claimed.tasks] == [task.id]
