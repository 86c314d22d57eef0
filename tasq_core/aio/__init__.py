"""tasq for asyncio: the same names and arguments, awaited.

    from tasq_core import aio

    async with await aio.connect("postgresql://app@db/prod") as client:
        await client.migrate()
        await client.new_producer().submit("email", {"to": "a@b.c"})

Calls run on threads of the client's own, never on the event loop. With `connection=` a task joins
the open transaction of your async connection, whose driver runs the statements on its loop.
"""

from tasq_core.aio.client import (
    AsyncCleaner,
    AsyncClient,
    AsyncInspector,
    AsyncProducer,
    AsyncSchedules,
    connect,
)
from tasq_core.aio.consumer import AsyncConsumer

__all__ = [
    "AsyncCleaner",
    "AsyncClient",
    "AsyncConsumer",
    "AsyncInspector",
    "AsyncProducer",
    "AsyncSchedules",
    "connect",
]
