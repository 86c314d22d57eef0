"""Random histories of a table against a model of its rules, on each backend."""

from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tasq_core.reports import Lease, Outcome
from tasq_core.repository.claiming import EXHAUSTED
from tasq_core.task import Task, TaskStatus
from tests.contract.rows import lapse
from tests.support.builders import make_task

NEW, ENQUEUED, IN_PROGRESS, SUCCESSFUL, FAILED = TaskStatus
LEASED = (ENQUEUED, IN_PROGRESS)
OPEN = (NEW, *LEASED)
TIMEOUT = 600
DELAY = 1800

numbers = st.integers(0, 10**6)


@dataclass
class Row:
    """What the rules say about one task."""

    task: Task
    max_receives: int
    visible: bool
    status: TaskStatus = NEW
    receives: int = 0
    lease: Lease | None = None
    error: str | None = None

    @property
    def held(self) -> bool:
        return self.status in LEASED and not self.visible

    @property
    def exhausted(self) -> bool:
        return 0 < self.max_receives <= self.receives

    @property
    def order(self):
        return (self.task.created_at, -self.task.priority, self.task.id)


class Table(RuleBasedStateMachine):
    """Every operation on the table and on the model, compared after each step."""

    repository = None
    database = None

    def __init__(self):
        super().__init__()
        self.repository.purge_tasks(None, None, None, False)
        self.rows: list[Row] = []
        self.leases: list[Lease] = []

    # -- choosing --------------------------------------------------------------------------

    def _row(self, number):
        return self.rows[number % len(self.rows)] if self.rows else None

    def _lease(self, number):
        """Any lease there ever was, live or long lost."""
        return self.leases[number % len(self.leases)] if self.leases else None

    def _holder(self, lease):
        """The row that `lease` holds, if it does."""
        for row in self.rows:
            if row.lease == lease and row.status in LEASED:
                return row
        return None

    # -- producers -------------------------------------------------------------------------

    @rule(max_receives=st.integers(0, 3), priority=st.integers(-2, 2), delayed=st.booleans())
    def submit(self, max_receives, priority, delayed):
        fields = {"max_receives": max_receives, "priority": priority}
        if delayed:
            fields["visible_at"] = self.repository.now() + timedelta(seconds=DELAY)
        task = self.repository.submit_task(make_task(**fields))
        self.rows.append(Row(task, max_receives, not delayed))

    @rule(number=numbers)
    def submit_again(self, number):
        if row := self._row(number):
            stored = self.repository.submit_task(row.task)
            assert (stored.status, stored.receive_count) == (row.status, row.receives)

    # -- consumers -------------------------------------------------------------------------

    @rule(limit=st.integers(1, 4))
    def claim(self, limit):
        due = [row for row in self.rows if row.status in OPEN and row.visible]
        exhausted = [row for row in due if row.exhausted]
        wanted = sorted((row for row in due if not row.exhausted), key=lambda row: row.order)[
            :limit
        ]
        claimed = self.repository.poll_tasks("email", "mail", TIMEOUT, limit=limit)
        assert [task.id for task in claimed] == [row.task.id for row in wanted]
        for row, task in zip(wanted, claimed, strict=True):
            row.status, row.visible, row.receives = ENQUEUED, False, row.receives + 1
            row.lease = Lease.of(task)
            self.leases.append(row.lease)
            assert (task.status, task.receive_count) == (ENQUEUED, row.receives)
        self._end_exhausted(exhausted, at_least=len(claimed) < limit)

    def _end_exhausted(self, rows, at_least):
        stored = {
            task.id: task for task in self.repository.get_tasks([row.task.id for row in rows])
        }
        for row in rows:
            task = stored[row.task.id]
            if at_least or task.status is FAILED:
                assert task.status is FAILED
                assert task.last_error.startswith(EXHAUSTED)
                row.status, row.lease, row.error = FAILED, None, task.last_error

    @rule(number=numbers)
    def ping(self, number):
        lease = self._lease(number)
        if lease is None:
            return
        holder = self._holder(lease)
        assert self.repository.ping_leases([lease], TIMEOUT) == ({lease} if holder else set())
        if holder:
            holder.visible = False

    @rule(
        number=numbers,
        status=st.sampled_from([IN_PROGRESS, SUCCESSFUL, FAILED, NEW]),
        later=st.booleans(),
        error=st.sampled_from([None, "it broke"]),
    )
    def record(self, number, status, later, error):
        """A start, an end, or a failure that will be tried again."""
        lease = self._lease(number)
        if lease is None:
            return
        finished = None if status is IN_PROGRESS else monotonic()
        again = DELAY if later and status is NEW else 0
        outcome = Outcome(lease, status, monotonic(), finished, error, again)
        holder = self._holder(lease)
        assert self.repository.record_outcomes([outcome]) == ({lease} if holder else set())
        if holder:
            holder.status, holder.error = status, error or holder.error
            if status is NEW:
                holder.visible = not again

    @rule(number=numbers)
    def succeed_and_delete(self, number):
        lease = self._lease(number)
        if lease is None:
            return
        outcome = Outcome(lease, SUCCESSFUL, monotonic(), monotonic(), delete=True)
        holder = self._holder(lease)
        assert self.repository.record_outcomes([outcome]) == ({lease} if holder else set())
        if holder:
            self.rows.remove(holder)

    @rule(number=numbers)
    def release(self, number):
        lease = self._lease(number)
        if lease is None:
            return
        holder = self._holder(lease)
        given = holder is not None and holder.status is ENQUEUED
        assert self.repository.release_leases([lease]) == ({lease} if given else set())
        if given:
            holder.status, holder.visible, holder.receives = NEW, True, holder.receives - 1

    # -- time and people -------------------------------------------------------------------

    @rule(number=numbers)
    def time_passes(self, number):
        """A lease or a delay comes to its end."""
        row = self._row(number)
        if row is not None and not row.visible:
            lapse(self.database, [row.task])
            row.visible = True

    @rule(number=numbers, reset=st.booleans())
    def requeue(self, number, reset):
        row = self._row(number)
        if row is None:
            return
        done = self.repository.requeue_tasks([row.task.id], reset).done
        assert done == (not row.held)
        if done:
            row.status, row.visible = NEW, True
            if reset:
                row.receives, row.error = 0, None
            elif row.exhausted:
                row.max_receives = row.receives + 1

    @rule(number=numbers, safe=st.booleans())
    def delete(self, number, safe):
        row = self._row(number)
        if row is None:
            return
        done = self.repository.delete_tasks([row.task.id], safe).done
        assert done == (not (safe and row.held))
        if done:
            self.rows.remove(row)

    # -- what must hold --------------------------------------------------------------------

    @invariant()
    def table_is_as_the_rules_say(self):
        now = self.repository.now()
        stored = {
            task.id: (task.status, task.receive_count, task.max_receives, task.last_error)
            + ((task.visible_at <= now,) if task.status in OPEN else ())
            for task in self.repository.scan_tasks(None, None, None, limit=1000)
        }
        assert stored == {
            row.task.id: (row.status, row.receives, row.max_receives, row.error)
            + ((row.visible,) if row.status in OPEN else ())
            for row in self.rows
        }


@pytest.mark.timeout(600)
def test_any_history_leaves_the_table_as_the_rules_say(repository, database, outcome):
    machine = type("Machine", (Table,), {"repository": repository, "database": database})
    examples = 15
    steps = 40
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    outcome(f"{examples} random histories of up to {steps} steps agree with the model")
