"""Events get out at once, or late and counted; reporting never blocks."""

import os
import threading
from uuid import uuid4

import pytest

from tasq_tui.child.backlog import Backlog
from tasq_tui.child.event_pipe import EventPipe
from tasq_tui.child.protocol import Dropped, Idle, Output, Started, Stopped, decode_event


@pytest.fixture
def pipe():
    """A pipe's reading end as a file, and an EventPipe on the other end."""
    ours, theirs = os.pipe()
    report = EventPipe(theirs)
    with os.fdopen(ours, "rb") as events:
        yield events, report


def output(text):
    return Output(None, "stdout", text)


def test_a_backlog_keeps_order_and_counts_what_does_not_fit():
    backlog = Backlog(lines=2, events=1)
    for event in (output("1"), Idle(), output("2"), output("3"), Idle()):
        backlog.add(event)

    assert backlog.take() == [output("1"), Idle(), output("2"), Dropped(lines=1, events=1)]
    assert not backlog
    assert backlog.take() == []


def test_an_event_is_readable_when_report_returns(pipe):
    events, report = pipe
    report(Idle())

    assert decode_event(events.readline()) == Idle()


def test_reporting_to_a_reader_that_stalls_never_blocks_and_loses_no_other_event(pipe):
    events, report = pipe
    started = Started(uuid4())
    for number in range(20_000):
        report(output(f"line {number}"))
    report(started)
    report(Stopped())

    read = []
    while not isinstance(read[-1:] and read[-1], Stopped):
        read.append(decode_event(events.readline()))
    lines = [event.text for event in read if isinstance(event, Output)]
    report.drain(5)

    assert lines == [f"line {number}" for number in range(len(lines))]
    assert 1000 < len(lines) < 20_000
    assert started in read
    assert decode_event(events.readline()) == Dropped(20_000 - len(lines), 0)


def test_events_of_several_threads_are_whole_lines(pipe):
    events, report = pipe
    ids = [uuid4() for _ in range(4)]

    def speak(task_id):
        for _ in range(200):
            report(Output(task_id, "stdout", "x" * 500))

    threads = [threading.Thread(target=speak, args=(task_id,)) for task_id in ids]
    for thread in threads:
        thread.start()
    read = [decode_event(events.readline()) for _ in range(800)]
    for thread in threads:
        thread.join()

    assert sorted(str(event.task_id) for event in read) == sorted([str(i) for i in ids] * 200)


def test_a_reader_that_is_gone_is_no_error():
    ours, theirs = os.pipe()
    report = EventPipe(theirs)
    os.close(ours)
    for _ in range(5000):
        report(output("x" * 100))

    report.drain(5)
