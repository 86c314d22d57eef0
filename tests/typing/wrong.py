"""What a type checker must refuse: never run, checked by tests/project/test_typing.py.

A line that is wrong says so behind `# wrong`; no other line may be refused.
"""

import tasq_core as tasq
from tasq_core import aio


def names(client: tasq.Client) -> None:
    """Misspelt names are found before the program runs."""
    _ = tasq.Prodcuer  # wrong
    tasq.connnect("sqlite://")  # wrong
    _ = tasq.PostgreSQLRepository  # wrong
    client.new_inspektor()  # wrong
    _ = tasq.TaskStatus.DONE  # wrong
    _ = (tasq.PostgresRepository, tasq.Filter.parse("status:failed"))


def arguments(client: tasq.Client, task: tasq.Task) -> None:
    """Arguments of another type, or of another name."""
    producer = client.new_producer()
    producer.submit(5, {})  # wrong
    producer.submit("email", {}, prio=5)  # wrong
    producer.submit("email", {}, delay="5s")  # wrong
    producer.submit("email", tasq.RawArgs("text"))  # wrong
    client.new_inspector().requeue(where=5)  # wrong
    client.new_consumer(worker=4)  # wrong
    client.new_consumer().with_retry_backoff("soon")  # wrong
    number: str = task.unmarshal_args(int)  # wrong
    del number


async def awaited(client: aio.AsyncClient) -> None:
    """The async face refuses what the sync one does."""
    producer = client.new_producer()
    await producer.submit(5, {})  # wrong
    await producer.submit("email", {}, prio=5)  # wrong
    await client.new_inspector().cuont()  # wrong
    client.new_consumer(worker=4)  # wrong
    number: str = await client.new_inspector().count()  # wrong
    del number
