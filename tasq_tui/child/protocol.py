"""What the app and the child that runs the handlers tell each other: one JSON line each.

All text is the handlers' or the table's own, raw: whoever shows it makes it inert.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from tasq_core.task import Ordering, Task

ARGS_PREVIEW_BYTES: Final = 4096
LONGEST_LINE_BYTES: Final = 1 << 20
"""An event longer than this is garbage; text within events is bounded far below it."""


class Decision(StrEnum):
    """What to do with the task that step mode holds."""

    RUN = "run"
    SKIP = "skip"
    """Give the claim back; the attempt isn't counted."""
    FAIL = "fail"
    """End it FAILED, with a reason."""
    REQUEUE = "requeue"
    """Make it NEW again; the attempt counts."""


class Ending(StrEnum):
    """How a task ended for this child."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """For good: no attempts left, or so decided."""
    RETRYING = "retrying"
    """The handler failed; the task is NEW again."""
    REQUEUED = "requeued"
    LOST = "lost"
    """The lease had passed on: nothing of this run was written."""


# -- commands ---------------------------------------------------------------------------------


class Command(msgspec.Struct, tag_field="do", forbid_unknown_fields=True):
    """The app to the child."""


class Load(Command, tag="load"):
    """Import the handlers and remember the database; the first command, and the only one once."""

    target: str
    """`module:attr`."""
    directory: str
    url: str
    """With its password: it travels on stdin alone, never in arguments or environment."""
    prefix: str = ""
    read_only: bool = False
    """Refuse to consume; dry runs remain."""

    def __repr__(self) -> str:
        return f"Load(target={self.target!r}, directory={self.directory!r})"


class Start(Command, tag="start"):
    """Begin to consume."""

    queues: tuple[str, ...] | None = ("",)
    """None for every queue."""
    types: tuple[str, ...] | None = None
    """Those handled; None for every loaded one."""
    concurrency: int = 1
    step: bool = False
    """Claim one task at a time and wait for a `Decide` on each."""
    visibility_timeout: float = 15.0
    """Seconds, as `poll_interval`."""
    poll_interval: float = 1.0
    ordering: Ordering = Ordering.CREATED_AT_FIRST


class Stop(Command, tag="stop"):
    """Claim no more, give back what didn't start, let running handlers finish."""


class Decide(Command, tag="decide"):
    """The decision on the task that an `Awaiting` named."""

    task_id: UUID
    decision: Decision
    reason: str = ""
    """For FAIL: becomes `last_error`."""
    delay: float = 0.0
    """For REQUEUE: seconds until it is visible."""


class DryRun(Command, tag="dry_run"):
    """Run a handler on a task's data; the table is read at most."""

    task_id: UUID | None = None
    """Read from the table."""
    task: Task | None = None
    """Or given here, say after an edit."""


AnyCommand = Load | Start | Stop | Decide | DryRun

# -- events -----------------------------------------------------------------------------------


class Event(msgspec.Struct, tag_field="event"):
    """The child to the app."""


class Loaded(Event, tag="loaded"):
    """The handlers are there."""

    types: list[str]


class LoadFailed(Event, tag="load_failed"):
    """They are not; another child is needed for another try."""

    text: str


class Running(Event, tag="running"):
    """Consuming began."""

    types: list[str]
    step: bool


class ClaimedTask(msgspec.Struct, frozen=True):
    """A task as the pane lists it."""

    id: UUID
    type: str
    queue: str
    priority: int
    receive_count: int
    max_receives: int
    created_at: datetime
    lease_ends: datetime
    """By the database's clock."""
    args: bytes
    """The first ARGS_PREVIEW_BYTES of them."""
    args_bytes: int
    """How many there are."""

    @classmethod
    def of(cls, task: Task) -> "ClaimedTask":
        """The view of a claimed `task`."""
        return cls(
            task.id,
            task.type,
            task.queue,
            task.priority,
            task.receive_count,
            task.max_receives,
            task.created_at,
            task.visible_at,
            task.args[:ARGS_PREVIEW_BYTES],
            len(task.args),
        )


class Claimed(Event, tag="claimed"):
    """These are leased to the child now, for `lease_seconds`."""

    tasks: list[ClaimedTask]
    lease_seconds: float


class Pinged(Event, tag="pinged"):
    """These leases end in `lease_seconds` from now."""

    task_ids: list[UUID]
    lease_seconds: float


class LeaseLost(Event, tag="lease_lost"):
    """These leases passed to others; what their handlers still do isn't recorded."""

    task_ids: list[UUID]


class Released(Event, tag="released"):
    """These were given back unstarted."""

    task_ids: list[UUID]


class Awaiting(Event, tag="awaiting"):
    """Step mode holds this task until a `Decide` comes."""

    task_id: UUID


class Started(Event, tag="started"):
    """The task's handler was called."""

    task_id: UUID
    dry: bool = False


class Finished(Event, tag="finished"):
    """The handler returned or raised, or step mode's decision was carried out."""

    task_id: UUID
    ending: Ending
    seconds: float
    error: str | None = None
    dry: bool = False


class Output(Event, tag="output"):
    """A line, or a piece of a long one, that a handler wrote."""

    task_id: UUID | None
    """None where no task can be told: a thread of the handler's own, or a write past Python."""
    stream: str
    """"stdout", "stderr", or "events" for what came where events should."""
    text: str


class Log(Event, tag="log"):
    """A record of the logging module."""

    task_id: UUID | None
    level: str
    logger: str
    text: str


class Idle(Event, tag="idle"):
    """A poll found nothing; said once until one finds something."""


class Stopped(Event, tag="stopped"):
    """Consuming ended; the handlers stay loaded."""


class Error(Event, tag="error"):
    """Something failed outside the handlers: the database, or a command that can't be obeyed."""

    text: str

    @classmethod
    def of(cls, error: Exception) -> "Error":
        """The message of `error`."""
        return cls(storable(str(error)))


class Dropped(Event, tag="dropped"):
    """More came than could be shown; what is missing stood before this."""

    lines: int
    """Of output and logs."""
    events: int
    """Others: what is in flight may be out of date."""


class Abandoned(Event, tag="abandoned"):
    """The child died holding these; they are claimable again when their leases lapse."""

    task_ids: list[UUID]


class Died(Event, tag="died"):
    """The child ended; the app's own event, the last there is."""

    returncode: int
    """Negative: the signal's number."""
    reason: str
    last_lines: list[str]
    """Of its standard error."""
    expected: bool
    """Whether it was told to end."""


AnyEvent = (
    Loaded
    | LoadFailed
    | Running
    | Claimed
    | Pinged
    | LeaseLost
    | Released
    | Awaiting
    | Started
    | Finished
    | Output
    | Log
    | Idle
    | Stopped
    | Error
    | Dropped
    | Abandoned
    | Died
)

_encoder: Final = msgspec.json.Encoder()
_command_decoder: Final[msgspec.json.Decoder[AnyCommand]] = msgspec.json.Decoder(AnyCommand)
_event_decoder: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)


def encode(message: Command | Event) -> bytes:
    """`message` as a line, its end included."""
    return _encoder.encode(message) + b"\n"


def decode_command(line: bytes) -> AnyCommand:
    """The command in `line`.

    Raises:
        msgspec.MsgspecError: there is none.
    """
    return _command_decoder.decode(line)


def decode_event(line: bytes) -> AnyEvent:
    """The event in `line`.

    Raises:
        msgspec.MsgspecError: there is none.
    """
    return _event_decoder.decode(line)


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it: lone surrogates spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()
