import asyncio

import pytest

from tasq_core.errors import RepositoryUnavailableError
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.polling import LONGEST_SECONDS, Cadence, Poller

GONE = Failure(RepositoryUnavailableError("no route"), 0.1)


class Question:
    """Counts how often it is asked, and fails if two ask at once."""

    def __init__(self, *answers: Failure | None) -> None:
        self.asked = 0
        self._answers = list(answers)
        self._open = 0

    async def __call__(self) -> Failure | None:
        self._open += 1
        assert self._open == 1, "asked twice at once"
        await asyncio.sleep(0)
        self._open -= 1
        self.asked += 1
        return self._answers.pop(0) if self._answers else None


async def until(predicate) -> None:
    async with asyncio.timeout(10):
        while not predicate():
            await asyncio.sleep(0.001)


@pytest.fixture
async def start():
    tasks = []

    def start(poller: Poller) -> None:
        tasks.append(asyncio.create_task(poller.run()))

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_cheap_question_is_asked_at_the_base_interval():
    assert Cadence(1.0).after_answer(0.002) == 1.0


def test_a_dear_question_leaves_the_database_four_fifths_of_the_time():
    assert Cadence(1.0).after_answer(3.0) == 12.0


def test_failures_double_the_pause_up_to_ten_seconds():
    cadence = Cadence(1.0, jitter=lambda: 0.0)

    assert [cadence.after_failure() for _ in range(7)] == [2, 4, 8, 10, 10, 10, 10]


def test_jitter_takes_off_up_to_half_of_the_pause():
    cadence = Cadence(1.0, jitter=lambda: 1.0)

    assert [cadence.after_failure() for _ in range(2)] == [1, 2]
    for _ in range(2000):
        assert cadence.after_failure() <= LONGEST_SECONDS


def test_an_answer_ends_the_backing_off():
    cadence = Cadence(1.0, jitter=lambda: 0.0)
    cadence.after_failure()
    cadence.after_answer(0)

    assert cadence.failures == 0
    assert cadence.after_failure() == 2


async def test_it_asks_again_and_again(start):
    question = Question()
    start(Poller(question, Cadence(0.001)))

    await until(lambda: question.asked >= 5)


async def test_a_kick_does_not_wait_for_the_interval(start):
    question = Question()
    poller = Poller(question, Cadence(3600))
    start(poller)
    await until(lambda: question.asked == 1)
    assert poller.countdown is not None
    assert poller.countdown > 3000

    poller.wake()

    await until(lambda: question.asked == 2)


async def test_a_failure_is_kept_until_the_next_answer_and_counts_down(start):
    question = Question(GONE)
    poller = Poller(question, Cadence(3600))
    start(poller)
    await until(lambda: poller.countdown is not None)
    assert poller.failure is GONE
    assert poller.failures == 1
    assert poller.countdown is not None
    assert 0 < poller.countdown <= LONGEST_SECONDS

    poller.wake()

    await until(lambda: poller.failure is None)
    assert poller.failures == 0


async def test_paused_it_asks_only_when_kicked(start):
    question = Question()
    poller = Poller(question, Cadence(0.001))
    start(poller)
    await until(lambda: question.asked >= 1)
    poller.pause()
    await until(lambda: poller.countdown is None)
    asked = question.asked
    for _ in range(50):
        await asyncio.sleep(0.001)
        assert question.asked == asked

    poller.wake()
    await until(lambda: question.asked == asked + 1)

    poller.resume()
    await until(lambda: question.asked >= asked + 3)
