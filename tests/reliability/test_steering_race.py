"""An operator edits, cancels and undoes the tasks that consumers run at full speed."""

import random
import threading
from collections import Counter, defaultdict
from contextlib import suppress

import pytest

from tasq_core import Consumer, TaskStatus
from tasq_core.filters import Filter, parse
from tasq_tui.admin import changes
from tasq_tui.admin.edits import Wanted
from tasq_tui.admin.errors import ChangeNotFoundError
from tasq_tui.admin.operation import prepare
from tasq_tui.admin.selection import select_where
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.trash import Trash
from tasq_tui.admin.undo import last_change
from tests.support.builders import make_tasks
from tests.support.wait import wait_until

pytestmark = [pytest.mark.reliability, pytest.mark.slow, pytest.mark.timeout(240)]

TASKS = 10_000
CHANGES = 60


class Operator:
    """Makes changes at random, and counts what they said they did."""

    def __init__(self, repository, settings):
        self.repository = repository
        self.settings = settings
        self.trash = Trash()
        self.done = Counter()
        self.worked = threading.Semaphore(0)
        """A permit for each task that consumers may run: they mustn't finish before the operator."""
        self.cancelled = Counter()
        """How often each task was written as cancelled, or tried to."""
        self._random = random.Random(17)

    def act(self, number):
        self.worked.release(TASKS // CHANGES)
        match self._random.choice(["edit", "edit", "cancel", "undo"]):
            case "edit":
                wanted = Wanted(priority=number)
                self._run("edit", changes.edit(self._some("status:open"), wanted.values, ()))
            case "cancel":
                outcome = self._run("cancel", changes.cancel(self._some("status:open", 40)))
                self.cancelled.update(outcome.seen.selection.ids)
            case _:
                with suppress(ChangeNotFoundError):
                    found = last_change(self.trash, self.settings, self.repository.table)
                    if found is not None:
                        self._run(f"undo {found.verb}", changes.undo(self.trash, found))

    def _some(self, text, limit=300):
        return lambda repository: select_where(repository, parse(text), limit)

    def _run(self, name, change):
        outcome = prepare(self.repository, self.settings, change).run(lambda _: True)
        assert outcome.error is None
        assert outcome.result.done + outcome.result.skipped == outcome.seen.total, name
        self.done[name] += outcome.result.done
        return outcome


def test_racing_consumers_each_effect_is_one_and_the_counts_add_up(database, repository):
    repository.submit_tasks(make_tasks(TASKS))
    runs = defaultdict(list)

    operator = Operator(database.open(), Settings(url=database.url, prefix=database.prefix))

    def handler(task):
        operator.worked.acquire()
        runs[task.id].append(task.priority)

    consumers = [
        Consumer(database.open(), queues="mail", poll_interval=0.2, visibility_timeout=60)
        for _ in range(2)
    ]
    for consumer in consumers:
        consumer.learn("email", handler)
    threads = [threading.Thread(target=consumer.run, args=(2,)) for consumer in consumers]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, CHANGES):
            operator.act(number)
        operator.worked.release(2 * TASKS)
        wait_until(lambda: not repository.count(parse("status:open")), 120)
    finally:
        for consumer in consumers:
            if consumer.running:
                consumer.stop()
        for thread in threads:
            thread.join(30)

    rows, after = [], None
    while page := repository.page(Filter(), after=after, limit=2000):
        rows += page
        after = (page[-1].created_at, page[-1].id)
    assert len(rows) == TASKS
    succeeded = [row for row in rows if row.status is TaskStatus.SUCCESSFUL]
    ended = [row for row in rows if row.status is TaskStatus.FAILED]
    assert {row.last_error for row in ended} <= {"cancelled"}
    assert len(ended) == operator.done["cancel"] - operator.done["undo cancel"]
    untouched = [row for row in rows if not operator.cancelled[row.id]]
    assert all(len(runs[row.id]) == 1 for row in untouched), "an effect is missing, or came twice"
    assert all(len(runs[row.id]) <= 1 + operator.cancelled[row.id] for row in rows)
    edited = [row.id for row in succeeded if runs[row.id][-1] != row.priority]
    assert edited == [], "a task was edited while it was held, or after its end"
    assert operator.done["edit"]
    assert operator.done["cancel"]
