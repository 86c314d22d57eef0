"""Tasks for tests: believable defaults, any field by name."""

import uuid
from datetime import UTC, datetime
from typing import Any

from tasq_core.task import Task


def make_task(**fields: Any) -> Task:
    """A NEW task of type "email", created now and visible; `fields` replace the defaults."""
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "type": "email",
        "args": b'{"to":"a@example.org"}',
        "queue": "mail",
        "created_at": datetime.now(UTC),
    }
    return Task(**(values | fields))


def make_tasks(count: int, **fields: Any) -> list[Task]:
    """`count` tasks, alike but for id and time of creation."""
    return [make_task(**fields) for _ in range(count)]
