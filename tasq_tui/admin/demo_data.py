"""Believable tasks of a made-up shop, the same ones for the same seed and time. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tasq_core.args import GOB, JSON
from tasq_core.task import IMMEDIATELY, Task, TaskStatus

TASKS: Final = 4000
SEED: Final = 20

_DAY_SECONDS: Final = 86_400.0
_CUSTOMERS: Final = ("ada", "grace", "linus", "margaret", "ken", "barbara", "dennis", "radia")


@dataclass(frozen=True, slots=True)
class JobType:
    """One type of work of the shop."""

    type: str
    queue: str
    share: int
    """How common it is."""
    seconds: tuple[float, float]
    """How long it takes, at least and at most."""
    priority: int = 0
    max_receives: int = 3
    failure: float = 0.04
    """How many of a hundred attempts fail, as a fraction."""
    gob: bool = False
    """Whether its producer is written in Go."""


JOB_TYPES: Final = (
    JobType("email.receipt", "mail", 24, (0.02, 0.3), 5),
    JobType("email.newsletter", "mail", 16, (0.02, 0.2), -5),
    JobType("image.resize", "media", 14, (0.1, 0.9)),
    JobType("video.transcode", "media", 3, (1.0, 4.0), -10, 2, 0.12),
    JobType("invoice.create", "billing", 10, (0.05, 0.4), 10, 5),
    JobType("payment.capture", "billing", 8, (0.1, 0.8), 20, 5, 0.09),
    JobType("report.daily", "reports", 4, (0.4, 2.5), 0, 2),
    JobType("report.export", "reports", 5, (0.2, 1.5), 0, 2, 0.06),
    JobType("webhook.deliver", "webhooks", 16, (0.03, 0.6), 0, 6, 0.14, gob=True),
)

_FAILURES: Final = {
    "mail": ("smtplib.SMTPServerDisconnected: Connection unexpectedly closed",
             "smtplib.SMTPRecipientsRefused: mailbox '{customer}@example.com' unavailable (550)"),
    "media": ("MemoryError: cannot allocate {number} bytes for frame",
              "ValueError: unsupported pixel format 'yuv{number}p'"),
    "billing": ("requests.exceptions.ReadTimeout: api.payments.example read timed out (10 s)",
                "PaymentDeclined: card of customer {number} declined: insufficient funds"),
    "reports": ("KeyError: 'region_{number}'",
                "psycopg.errors.QueryCanceled: canceling statement due to statement timeout"),
    "webhooks": ("ConnectionRefusedError: [Errno 111] connect to hooks.example:443",
                 "HTTPError: 503 Service Unavailable for /v2/events/{number}"),
}  # fmt: skip

_TRACEBACK: Final = """{error}

Traceback (most recent call last):
  File "/srv/shop/jobs/{queue}.py", line {line}, in {function}
    return client.{function}(order, timeout=10)
  File "/srv/shop/lib/{queue}/client.py", line {deeper}, in {function}
    raise error
{error}"""


class Shop:
    """Makes tasks; one generator of random numbers decides everything."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up data, and repeatable
        self._weights = [kind.share for kind in JOB_TYPES]

    def tasks(self, now: datetime, count: int = TASKS) -> Iterator[Task]:
        """A table's worth, as it might stand at `now`: a day of history, and what is open."""
        for number in range(count):
            kind = self.kind()
            share = number / count
            if share < 0.86:  # noqa: PLR2004 - the parts of a day's work
                yield self._finished(kind, now)
            elif share < 0.93:  # noqa: PLR2004
                yield self._ready(kind, now)
            elif share < 0.98:  # noqa: PLR2004
                yield self._delayed(kind, now)
            else:
                yield self._claimed(kind, now)

    def kind(self) -> JobType:
        """A kind of work, common ones more often."""
        return self._random.choices(JOB_TYPES, self._weights)[0]

    def args(self, kind: JobType) -> bytes:
        """Encoded arguments that such a task might have."""
        value = self._arguments(kind)
        return (GOB if kind.gob else JSON).encode(value)

    def error(self, kind: JobType) -> str:
        """A failure that this work might end in, with its traceback."""
        pick = self._random
        message = pick.choice(_FAILURES[kind.queue]).format(
            customer=pick.choice(_CUSTOMERS), number=pick.randrange(1000, 99999)
        )
        function = kind.type.replace(".", "_")
        return _TRACEBACK.format(
            error=message, queue=kind.queue, function=function,
            line=pick.randrange(20, 90), deeper=pick.randrange(100, 400),
        )  # fmt: skip

    def id(self) -> UUID:
        """A random id."""
        return UUID(int=self._random.getrandbits(128), version=4)

    def seconds(self, kind: JobType) -> float:
        """How long such a task takes this time; most are quick."""
        low, high = kind.seconds
        return low + (high - low) * self._random.random() ** 3

    def fails(self, kind: JobType) -> bool:
        """Whether this attempt fails."""
        return self._random.random() < kind.failure

    def _arguments(self, kind: JobType) -> dict[str, Any]:
        pick = self._random
        customer, number = pick.choice(_CUSTOMERS), pick.randrange(10_000, 99_999)
        match kind.queue:
            case "mail":
                return {"to": f"{customer}@example.com", "order": number, "locale": "en"}
            case "media":
                return {"key": f"uploads/{number}.raw", "widths": [320, 640, 1280]}
            case "billing":
                cents = pick.randrange(500, 90_000)
                return {"order": number, "amount": {"cents": cents, "currency": "EUR"}}
            case "reports":
                return {"day": "2026-01-31", "region": number % 40, "format": "xlsx"}
        return {"url": f"https://hooks.example/{customer}", "event": "order.paid", "id": number}

    def _task(self, kind: JobType, created: datetime, **fields: Any) -> Task:
        return Task(
            self.id(), kind.type, self.args(kind), kind.queue, kind.priority,
            max_receives=kind.max_receives, created_at=created, **fields,
        )  # fmt: skip

    def _finished(self, kind: JobType, now: datetime) -> Task:
        # The last hour is busier, so that activity per minute has something to show.
        reach = 3600 if self._random.random() < 0.4 else _DAY_SECONDS  # noqa: PLR2004
        finished = now - timedelta(seconds=1 + self._random.random() * reach)
        started = finished - timedelta(seconds=self.seconds(kind))
        created = started - timedelta(seconds=self._random.expovariate(0.2))
        failed = self._random.random() < 0.6 * kind.failure
        receives = kind.max_receives if failed else 1 + self.fails(kind)
        return self._task(
            kind, created,
            status=TaskStatus.FAILED if failed else TaskStatus.SUCCESSFUL,
            receive_count=receives, started_at=started, finished_at=finished,
            visible_at=finished + timedelta(seconds=15),
            last_error=self.error(kind) if failed or receives > 1 else None,
        )  # fmt: skip

    def _ready(self, kind: JobType, now: datetime) -> Task:
        created = now - timedelta(seconds=1 + self._random.expovariate(1 / 60))
        return self._task(kind, created, visible_at=IMMEDIATELY)

    def _delayed(self, kind: JobType, now: datetime) -> Task:
        created = now - timedelta(seconds=self._random.random() * 1800)
        again = self._random.random() < 0.5  # noqa: PLR2004 - half of them are retries
        return self._task(
            kind, created,
            visible_at=now + timedelta(seconds=20 + self._random.random() * 7200),
            receive_count=int(again), last_error=self.error(kind) if again else None,
            started_at=created + timedelta(seconds=1) if again else None,
        )  # fmt: skip

    def _claimed(self, kind: JobType, now: datetime) -> Task:
        """Claimed a moment ago by a consumer elsewhere; of some the lease has lapsed."""
        started = now - timedelta(seconds=self._random.random() * 20)
        lapsed = self._random.random() < 0.3  # noqa: PLR2004 - a consumer that died
        ends = now + timedelta(seconds=-30 if lapsed else 60 + self._random.random() * 240)
        return self._task(
            kind, started - timedelta(seconds=2), status=TaskStatus.IN_PROGRESS, receive_count=1,
            started_at=started, visible_at=ends,
        )  # fmt: skip
