import threading

from tasq_core.consumer.channel import Channel
from tests.support.wait import wait_until


def test_many_threads_take_every_job_once(pool):
    channel, taken = Channel(), []
    readers = [pool.submit(lambda: taken.extend(channel)) for _ in range(8)]
    for number in range(0, 20_000, 10):
        channel.put(range(number, number + 10))
    wait_until(lambda: not channel.ready)
    channel.close()
    for reader in readers:
        reader.result(30)
    assert sorted(taken) == list(range(20_000))


def test_jobs_that_block_spread_over_all_sleeping_threads(pool):
    channel, meet = Channel(), threading.Barrier(6)

    def work():
        for _ in channel:
            meet.wait(30)

    workers = [pool.submit(work) for _ in range(6)]
    wait_until(lambda: len(channel._sleepers) == 6)
    channel.put(range(6))
    wait_until(lambda: len(channel._sleepers) == 6)
    channel.close()
    for worker in workers:
        worker.result(30)
    assert not meet.broken


def test_closing_ends_every_waiting_iteration_and_drops_what_is_left(pool):
    channel = Channel()
    readers = [pool.submit(list, channel) for _ in range(4)]
    wait_until(lambda: len(channel._sleepers) == 4)
    channel.close()
    assert [reader.result(30) for reader in readers] == [[], [], [], []]
    channel.put([1, 2])
    assert list(channel) == []


def test_the_poller_is_told_once_when_the_channel_runs_low():
    channel, told = Channel(), []
    channel.demand.refill = lambda: told.append(len(channel.ready))
    channel.put(range(10))
    channel.demand.is_open, channel.demand.low_watermark = True, 5
    for _ in range(10):
        channel.take()
    assert told == [5]
