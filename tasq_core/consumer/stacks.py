"""Where running handlers stand: the Python stack of each."""

import linecache
import sys
import traceback
from collections.abc import Sequence
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from tasq_core.consumer.job import Job
from tasq_core.last_error import storable_error

if TYPE_CHECKING:
    import asyncio

_MOST: Final = 100
"""Handlers whose stacks are told; those that run longest."""


def stacks_of(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The stacks of these running jobs, the longest running first, at most a hundred."""
    now = monotonic()
    frames = sys._current_frames()  # noqa: SLF001 - documented all the same
    linecache.checkcache()
    longest = sorted(jobs, key=lambda job: job.started or now)[:_MOST]
    return [
        {
            "task_id": str(job.lease.task_id),
            "receive_count": job.lease.receive_count,
            "type": job.task.type,
            "queue": job.task.queue,
            "seconds": round(now - (job.started or now), 3),
            "stack": storable_error(_stack(job, frames)),
        }
        for job in longest
    ]


def _stack(job: Job, frames: dict[int, FrameType]) -> str:
    if job.coroutine is not None:
        return "".join(traceback.format_list(_of_coroutine(job.coroutine))).rstrip()
    frame = frames.get(job.thread)
    if frame is None:
        return "(its thread has ended)"
    found = traceback.extract_stack(frame)
    # The consumer's own frames on top say nothing.
    own = [n for n, line in enumerate(found) if "tasq_core/consumer/" in line.filename]
    return "".join(traceback.format_list(found[own[-1] + 1 :] if own else found)).rstrip()


def _of_coroutine(task: "asyncio.Task[Any]") -> list[traceback.FrameSummary]:
    """The frames of what a task awaits, the outermost first, without the consumer's own."""
    awaited: Any = task.get_coro()
    lines: list[traceback.FrameSummary] = []
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is None:
            break
        name = frame.f_code.co_filename
        if "tasq_core/consumer/" not in name:
            lines.append(
                traceback.FrameSummary(name, frame.f_lineno, frame.f_code.co_name, lookup_line=True)
            )
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return lines
