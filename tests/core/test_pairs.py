"""Which queues and types a claim probes, where it takes any: lists of what the table has."""

from collections.abc import Collection

import pytest

from tasq_core import RepositoryError
from tasq_core.repository import claiming
from tasq_core.repository.claiming import HORIZON, Listed, Lister, Pair, Pairs


class Table:
    """Lists `pairs`, which takes `seconds`, on a clock of its own."""

    def __init__(self) -> None:
        self.now, self.seconds, self.listings = 100.0, 0.0, 0
        self.pairs: list[Pair] = []
        self.look_seconds, self.looks = 0.0, 0
        self.newest: dict[Pair, float] = {}
        """And when their tasks fall due, as of `delayed`."""
        self.delayed: dict[Pair, float] = {}
        self.broken = False
        self.kept = Pairs(lists_quickly=True)
        self.lister = Lister(self._list, self._look)

    def probe(self, types: tuple[str, ...] | None = None) -> list[Pair]:
        """What a claim that finds nothing probes."""
        groups = self.kept.groups(None, types, self.lister)
        return [pair for group in groups for pair in group]

    def pass_time(self, seconds: float, types: tuple[str, ...] | None = None) -> None:
        """Probe once a second for so long."""
        for _ in range(int(seconds)):
            self.probe(types)
            self.now += 1.0

    def _list(self, types: Collection[str] | None) -> list[Listed]:
        self.listings += 1
        self.now += self.seconds
        if self.broken:
            raise RepositoryError("the server refused the list")
        every = [Listed(*pair, 0.0) for pair in self.pairs] + self._in_time(self.delayed)
        return [pair for pair in every if types is None or pair.type in types]

    def _look(self) -> list[Listed]:
        self.looks += 1
        self.now += self.look_seconds
        return self._in_time(self.newest)

    def _in_time(self, due: dict[Pair, float]) -> list[Listed]:
        waits = {pair: max(0.0, at - self.now) for pair, at in due.items()}
        return [Listed(*pair, wait) for pair, wait in waits.items() if wait <= HORIZON]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    table = Table()
    monkeypatch.setattr(claiming, "monotonic", lambda: table.now)
    return table


def test_a_short_list_is_made_anew_for_each_claim(table: Table):
    """The first task of a new queue would wait."""
    table.seconds = 0.001
    table.probe()
    table.pairs = [("new", "a")]

    assert table.probe() == [("new", "a")]


def test_a_list_that_was_slow_once_is_made_anew_all_the_same(table: Table):
    """A machine that was busy for a moment would hold back the tasks of new queues."""
    table.seconds = 2.0
    table.probe()
    table.seconds = 0.001
    table.probe()
    table.pairs = [("new", "a")]

    assert table.probe() == [("new", "a")]


MANY = [(f"queue-{n}", "a") for n in range(50_000)]


@pytest.mark.parametrize("pairs", [[], MANY])
def test_an_idle_consumer_lists_for_a_four_hundredth_of_the_time(pairs: list[Pair], table: Table):
    """Beside 50,000 pairs of others' it kept a core 2.5 % busy."""
    table.pairs, table.seconds = pairs, 0.25
    table.pass_time(600, ("other",))

    assert table.listings <= 600 / 100 + 2


def test_claims_that_fill_up_list_for_a_hundredth_of_the_time(table: Table):
    """New pairs would wait until the others are drained."""
    table.pairs, table.seconds = MANY, 0.25
    start = table.now
    while table.now < start + 300:
        next(iter(table.kept.groups(None, None, table.lister)))
        table.now += 0.01

    assert 300 / 35 <= table.listings <= 300 / 25 + 2


@pytest.mark.parametrize("seconds", [0.25, 100.0])
def test_a_task_that_no_list_has_is_found_within_five_minutes(seconds: float, table: Table):
    """One that was put back by hand is neither new nor due."""
    table.seconds = seconds
    table.pass_time(2)
    table.pairs = [("back", "a")]
    start = table.now
    while not table.probe():
        table.now += 1.0

    assert table.now - start <= 300 + 2 * seconds


@pytest.fixture
def slow(table: Table) -> Table:
    """The list takes long, and is kept."""
    table.seconds = 1.0
    table.pass_time(3)
    return table


def test_the_first_task_of_a_pair_is_found_at_once_without_a_list(slow: Table):
    """It would wait for the next list."""
    before = slow.listings
    slow.newest[("new", "a")] = 0.0

    assert slow.probe() == [("new", "a")]
    assert slow.listings == before


def test_a_new_task_of_other_types_is_left_alone(slow: Table):
    """It would be claimed by a consumer that has no handler for it."""
    slow.newest[("new", "b")] = 0.0

    assert slow.probe(("a",)) == []


@pytest.mark.parametrize("submitted", ["before the list", "after it"])
def test_a_delayed_task_is_found_when_it_falls_due(submitted: str, slow: Table):
    """It would wait for the list after that."""
    pairs = slow.newest
    if submitted == "before the list":
        slow.pass_time(300)
        pairs = slow.delayed
        before = slow.listings
        while slow.listings == before:
            pairs[("later", "a")] = slow.now + 60
            slow.pass_time(1)
    else:
        pairs[("later", "a")] = slow.now + 60
    slow.pass_time(50)
    slow.newest = {}
    before = slow.listings

    assert slow.probe() == []
    slow.now += 11
    assert slow.probe() == [("later", "a")]
    assert slow.listings == before


def test_a_pair_that_gave_tasks_is_probed_between_lists(slow: Table):
    """A retry would wait for the next list."""
    slow.kept.gave([("gave", "a")])

    assert slow.probe() == [("gave", "a")]
    slow.now += 5
    assert slow.probe() == [("gave", "a")]


def test_notices_of_others_tasks_cost_a_twentieth_of_the_time(slow: Table):
    """Each wakes a consumer, which would look in vain as often as others submit."""
    slow.look_seconds = 0.002
    start = slow.now
    while slow.now < start + 10:
        slow.probe()
        slow.now += 0.001

    assert slow.looks * slow.look_seconds <= 10 / 20 + 0.1


def test_two_new_pairs_in_a_row_are_both_found_at_once(slow: Table):
    """The second one's notice would be in vain."""
    slow.look_seconds = 0.002
    slow.newest[("first", "a")] = 0.0
    assert slow.probe() == [("first", "a")]
    slow.kept.gave([("first", "a")])
    slow.newest[("second", "a")] = 0.0

    assert ("second", "a") in slow.probe()


def test_a_pair_of_few_that_is_emptied_brings_no_list(slow: Table):
    """Beside 50,000 pairs of delayed tasks, each that fell due would cost a list."""
    slow.newest[("new", "a")] = slow.now + 10
    slow.probe()
    before = slow.listings
    slow.pass_time(60)

    assert slow.listings == before


def test_once_many_pairs_are_drained_a_new_one_is_seen_at_once(table: Table):
    """The list of what is gone took long; that of what comes next doesn't."""
    table.pairs, table.seconds = MANY, 0.25
    table.probe()
    table.probe()
    table.pairs, table.seconds = [("new", "a")], 0.001

    assert table.probe() == [("new", "a")]


@pytest.mark.parametrize("types", [("b",), ("b", "a"), tuple(f"type-{n}" for n in range(60)), None])
def test_a_list_of_few_types_is_no_list_of_others(types: tuple[str, ...] | None, table: Table):
    """Consumers of one client share the list: the second one's tasks would wait."""
    table.pairs, table.seconds = [*MANY], 0.25
    table.pairs += [("queue", "b"), ("queue", "type-59")]
    table.probe(("a",))

    found = table.probe(types)

    assert set(found) == {pair for pair in table.pairs if types is None or pair[1] in types}


def test_consumers_of_other_types_share_a_list(table: Table):
    """Each would make the other's list anew, at every poll."""
    table.pairs, table.seconds = [(f"queue-{n}", "c") for n in range(50_000)], 0.25
    for _ in range(20):
        table.probe(("a",))
        table.probe(("b",))

    assert table.listings <= 5


def test_a_failed_list_is_made_anew(table: Table):
    """One that fails for other types would be taken for a list of theirs."""
    table.pairs, table.seconds = [("queue", "b")], 0.25
    table.probe(("a",))
    table.probe(("a",))
    table.broken = True
    with pytest.raises(RepositoryError):
        table.probe(("b",))
    table.broken = False

    assert table.probe(("b",)) == [("queue", "b")]
