"""The pytest plugin: fixtures `tasq_client`, `tasq_drain`, `submitted`, and `tasq_handlers`.

pytest loads it from the installed distribution, by its entry point.
"""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tasq_core.client import Client
    from tasq_core.consumer import Consumer, Handler
    from tasq_core.task import Task
    from tasq_core.testing.drain import Drained

_ANY: Any = object()


@pytest.fixture
def tasq_client() -> "Iterator[Client]":
    """A client of an empty, migrated table in memory; closed at the end of the test.

    Define a fixture of this name to use another database or codec.
    """
    from tasq_core.client import connect  # noqa: PLC0415 - for tests that use it

    with connect("sqlite://") as client:
        client.migrate()
        yield client


@pytest.fixture
def tasq_handlers() -> "Consumer | Mapping[str, Handler]":
    """What `tasq_drain()` runs: define a fixture of this name that returns your handlers.

    A consumer with its handlers and middleware, or a dict of functions by task type.
    """
    raise pytest.UsageError(
        "tasq_drain() needs handlers: pass a consumer or a dict of functions by task type, or"
        " define a fixture tasq_handlers that returns one of them"
    )


@pytest.fixture
def tasq_drain(
    tasq_client: "Client", request: pytest.FixtureRequest
) -> "Callable[..., list[Drained]]":
    """A function that runs the tasks that are ready, in this thread; what became of each.

    `tasq_drain(handlers=None, *, raise_errors=False)`; see `tasq_core.testing.drain.drain`.
    """
    from tasq_core.testing.drain import drain  # noqa: PLC0415

    def run(
        handlers: "Consumer | Mapping[str, Handler] | None" = None, *, raise_errors: bool = False
    ) -> "list[Drained]":
        if handlers is None:
            handlers = request.getfixturevalue("tasq_handlers")
        return drain(tasq_client.repository, handlers, raise_errors=raise_errors)

    return run


@pytest.fixture
def submitted(tasq_client: "Client") -> "Callable[..., list[Task]]":
    """A function that lists the tasks in the table, oldest first, to assert on.

    `submitted("email", queue="mail", args={"to": "a@b.c"})`; what isn't given restricts nothing.
    `args` is compared with the decoded arguments, and with those of a class read as it.
    """

    def find(
        type: str | None = None, *, queue: str | None = None, args: Any = _ANY
    ) -> "list[Task]":
        found = tasq_client.new_inspector().scan(types=type, queues=queue, limit=100_000)
        return found if args is _ANY else [task for task in found if _has_args(task, args)]

    return find


def _has_args(task: "Task", args: Any) -> bool:
    from tasq_core.errors import ArgsDecodeError  # noqa: PLC0415

    plain = args is None or isinstance(args, dict | list | tuple | str | int | float | bytes)
    try:
        found = task.unmarshal_args() if plain else task.unmarshal_args(type(args))
    except ArgsDecodeError:
        return False
    return bool(found == (list(args) if isinstance(args, tuple) else args))
