"""What the child's events add up to."""

import shlex
from uuid import uuid4

import pytest

from tasq_tui.admin.settings import Settings
from tasq_tui.child.protocol import (
    Abandoned,
    Awaiting,
    Claimed,
    ClaimedTask,
    Died,
    Dropped,
    Ending,
    Error,
    Finished,
    Idle,
    LeaseLost,
    Loaded,
    LoadFailed,
    Log,
    Output,
    Pinged,
    Released,
    Running,
    Start,
    Started,
    Stopped,
)
from tasq_tui.ui.consumer.runs import KEPT, RunState
from tasq_tui.ui.consumer.state import Consuming, Phase
from tasq_tui.ui.consumer.status_text import counts, state_words, work_line
from tasq_tui.ui.consumer.task_logs import (
    LONGEST_LINE,
    TASK_CHARACTERS,
    TASK_LINES,
    LineLog,
    LogLine,
    RunKey,
    TaskLogs,
)
from tests.support.builders import make_task

KEYS = {"run": "e", "skip": "n", "fail": "f", "requeue": "r"}


def claimed(**fields):
    return ClaimedTask.of(make_task(**fields))


class Told:
    """A model that handlers were loaded into, and a clock."""

    def __init__(self):
        self.now = 100.0
        self.model = Consuming()
        self.model.load("app.jobs")
        self(Loaded(["email"]))

    def __call__(self, *events):
        for event in events:
            self.model.apply(event, self.now)
        return self.model

    def claim(self, *tasks, lease=15.0):
        self(Claimed(list(tasks), lease))

    def words(self, **options):
        return state_words(self.model, KEYS, **{"read_only": False} | options).text


@pytest.fixture
def told():
    return Told()


def shown(model):
    return [(run.task.id, run.state) for run in model.runs]


def test_a_claimed_task_is_in_flight_until_it_is_finished(told):
    task = claimed()
    told.claim(task)
    assert shown(told.model) == [(task.id, RunState.CLAIMED)]
    told(Started(task.id))
    assert told.model.runs.running == 1
    told(Finished(task.id, Ending.SUCCEEDED, 0.2))

    assert shown(told.model) == [(task.id, RunState.SUCCEEDED)]
    assert told.model.runs.in_flight == 0
    assert counts(told.model) == "1 succeeded"


def test_a_lease_counts_down_and_a_ping_fills_it(told):
    task = claimed()
    told.claim(task, lease=15)
    run = told.model.runs.get(RunKey(task.id))
    assert run.lease_left(told.now + 5) == 10
    told.now += 5
    told(Pinged([task.id], 15))

    assert run.lease_left(told.now + 1) == 14
    assert run.lease_left(told.now + 99) == 0


def test_what_is_in_flight_stands_first_and_the_last_end_before_older_ones(told):
    tasks = [claimed() for _ in range(4)]
    told.claim(*tasks)
    for task in tasks[:2]:
        told(Finished(task.id, Ending.FAILED, 0.1, "no"))

    assert [id for id, _ in shown(told.model)] == [tasks[i].id for i in (2, 3, 1, 0)]


def test_a_task_given_back_unstarted_leaves_no_trace_but_a_skipped_one_does(told):
    unstarted, skipped = claimed(), claimed()
    told.claim(unstarted, skipped)
    told(Awaiting(skipped.id), Released([unstarted.id, skipped.id]))

    assert shown(told.model) == [(skipped.id, RunState.RELEASED)]


def test_a_task_claimed_again_only_to_be_given_back_keeps_its_place(told):
    skipped, other = claimed(), claimed()
    told.claim(skipped)
    told(Awaiting(skipped.id), Released([skipped.id]))
    told.claim(skipped, other)
    told(Released([skipped.id]), Awaiting(other.id), Finished(other.id, Ending.REQUEUED, 0))

    assert shown(told.model) == [(other.id, RunState.REQUEUED), (skipped.id, RunState.RELEASED)]


def test_a_lease_lost_after_the_handlers_end_takes_the_success_back(told):
    task = claimed()
    told.claim(task)
    told(Finished(task.id, Ending.SUCCEEDED, 0.1), LeaseLost([task.id]))

    assert shown(told.model) == [(task.id, RunState.LOST)]
    assert counts(told.model) == "1 lost"


def test_events_that_were_dropped_clear_what_is_in_flight(told):
    task = claimed()
    told.claim(task)
    told(Awaiting(task.id), Dropped(lines=5, events=2))

    assert shown(told.model) == [(task.id, RunState.UNKNOWN)]
    assert told.model.waiting is None
    assert "not shown: 5 lines, 2 events" in [*told.model.logs.all][-1].text


def test_dropped_lines_alone_leave_it(told):
    task = claimed()
    told.claim(task)
    told(Dropped(lines=5, events=0))

    assert told.model.runs.in_flight == 1


@pytest.mark.parametrize(
    "end",
    [
        lambda id: Finished(id, Ending.FAILED, 0, "so"),
        lambda id: Released([id]),
        lambda id: LeaseLost([id]),
        lambda id: Stopped(),
        lambda id: Loaded(["email"]),
        lambda id: Died(1, "exited with status 1", [], expected=False),
    ],
    ids=["finished", "released", "lost", "stopped", "reloaded", "died"],
)
def test_nothing_waits_for_a_decision_any_more(told, end):
    task = claimed()
    told.claim(task)
    told(Running(["email"], step=True), Awaiting(task.id))
    assert told.model.waiting == task.id
    told(end(task.id))

    assert told.model.waiting is None


def test_a_death_is_told_with_what_it_held_and_how_to_go_on(told):
    tasks = [claimed(), claimed()]
    told(Running(["email"], step=False))
    told.claim(*tasks)
    told(Abandoned([task.id for task in tasks]))
    told(Died(-11, "killed by SIGSEGV", ["Segmentation fault"], expected=False))

    assert told.model.phase is Phase.EMPTY
    assert told.words() == (
        "the handlers' process was killed by SIGSEGV; its 2 tasks come back when the leases lapse."
        " Load the handlers again to go on"
    )
    assert told.model.runs.get(RunKey(tasks[0].id)).lease_left(told.now) == 15


def test_handlers_that_do_not_load_leave_the_old_ones(told):
    told.model.load("app.jobs")
    told(LoadFailed("importing 'app.jobs' failed:\nSyntaxError: oh"))

    assert told.model.types == ("email",)
    assert told.words() == "importing 'app.jobs' failed: SyntaxError: oh"


def test_a_failed_start_is_told_and_leaves_the_handlers_ready(told):
    told.model.start()
    told(Error("no handler for task type 'x' is loaded"), Stopped())

    assert told.model.phase is Phase.READY
    assert told.words() == "no handler for task type 'x' is loaded"


def test_the_line_tells_each_phase(told):
    assert told.words() == "ready · handles email"
    assert told.words(read_only=True).startswith("read-only: dry runs only")
    told.model.start()
    assert told.words() == "starting …"
    told(Running(["email"], step=False), Idle())
    assert told.words() == "consuming: no task to claim"
    told.claim(task := claimed())
    assert told.words() == "consuming · 1 in flight"
    told(Started(task.id))
    told.model.stop()
    assert told.words() == "stopping: a handler finishes · 1 in flight"
    told(Finished(task.id, Ending.RETRYING, 1, "no"), Stopped())
    assert told.words() == "ready · 1 retrying · handles email"


def test_the_line_asks_about_the_task_that_waits(told):
    task = claimed(type="email")
    told(Running(["email"], step=True))
    told.claim(task)
    told(Awaiting(task.id))

    assert told.words() == f"email {task.id.hex[:8]} waits: e run · n skip · f fail · r requeue"


def test_an_offered_dry_run_says_what_is_missing(told):
    task = make_task(type="other")
    assert "no handler for its type is loaded" in told.words(offered=task)
    assert "Its handler really runs" in told.words(offered=make_task())
    told.model = Consuming()
    assert "load its handler first" in told.words(offered=task)


def test_a_dry_run_is_no_task_in_flight_and_keeps_its_own_output(told):
    task = claimed()
    told.model.run_dry(task, told.now)
    told(Started(task.id, dry=True), Output(task.id, "stdout", "hello"))
    told(Finished(task.id, Ending.FAILED, 0.1, "ValueError: no", dry=True))

    (run,) = told.model.runs
    assert run.dry
    assert run.state is RunState.FAILED
    assert counts(told.model) == ""
    lines = [line.text for line in told.model.logs.of(RunKey(task.id, dry=True))]
    assert lines == ["dry run started", "hello", "ValueError: no", "failed after 100ms"]


def test_output_goes_to_its_task_and_to_all(told):
    one, two = claimed(), claimed()
    told.claim(one, two)
    told(Output(one.id, "stdout", "from one"), Log(two.id, "ERROR", "shop", "from two"))
    told(Output(None, "stderr", "from nobody"), Output(uuid4(), "stdout", "from a stranger"))

    logs = told.model.logs
    assert [line.text for line in logs.of(RunKey(one.id))] == ["from one"]
    assert [(line.kind, line.text) for line in logs.of(RunKey(two.id))] == [
        ("warning", "ERROR shop: from two")
    ]
    assert [line.text for line in logs.all][-4:] == [
        "from one", "ERROR shop: from two", "from nobody", "from a stranger",
    ]  # fmt: skip


def test_only_so_many_ended_runs_are_kept_and_their_output_goes_with_them(told):
    tasks = [claimed() for _ in range(KEPT + 10)]
    told.model.runs.pinned = RunKey(tasks[0].id)
    for task in tasks:
        told.claim(task)
        told(Started(task.id), Finished(task.id, Ending.SUCCEEDED, 0.1))

    kept = {run.task.id for run in told.model.runs}
    assert len(kept) == KEPT
    assert tasks[0].id in kept
    assert tasks[1].id not in kept
    assert not told.model.logs.of(RunKey(tasks[1].id))


def test_a_log_keeps_the_newest_lines_within_its_bounds():
    log = LineLog()
    for number in range(10_000):
        log.add(LogLine("stdout", f"line {number} " + "x" * 200))

    assert len(log) <= TASK_LINES
    assert sum(len(line.text) for line in log) <= TASK_CHARACTERS
    assert [*log][-1].text.startswith("line 9999 ")
    assert log.dropped + len(log) == log.added == 10_000


def test_a_long_line_is_cut_and_several_are_told_apart():
    logs = TaskLogs()
    logs.add("stdout", "a\nb\n" + "c" * 100_000)

    assert [len(line.text) for line in logs.all] == [1, 1, LONGEST_LINE]


def test_the_work_line_says_what_was_consumed_and_how():
    start = Start(queues=("mail", "a b", ""), concurrency=3, visibility_timeout=30.0)
    line = work_line("app.jobs:handlers", start, Settings("sqlite:///x.db", prefix="shop"))

    assert shlex.split(line) == [
        "tasq", "work", "--url", "sqlite:///x.db", "--prefix", "shop", "app.jobs:handlers",
        "--queue", "mail", "--queue", "a b", "--queue", "", "--workers", "3",
        "--visibility-timeout", "30s", "--poll-interval", "1s", "--retry-backoff", "0s",
    ]  # fmt: skip


def test_the_work_line_names_what_it_can_not_say():
    line = work_line("jobs", Start(queues=None, types=("a", "b"), step=True), Settings("sqlite://"))

    assert line.endswith("  # step by step; only a, b")
