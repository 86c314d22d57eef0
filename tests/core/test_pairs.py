"""Which queues and types a claim probes, where it takes any: lists of what the table has."""

from collections.abc import Collection

import pytest

from tasq_core import RepositoryError
from tasq_core.repository import claiming
from tasq_core.repository.claiming import Pair, Pairs


class Table:
    """Lists `pairs`, which takes `seconds`, on a clock of its own."""

    def __init__(self) -> None:
        self.now, self.seconds, self.listings = 100.0, 0.0, 0
        self.pairs: list[Pair] = []
        self.broken = False
        self._pairs = Pairs(lists_quickly=True)

    def probe(self, types: tuple[str, ...] | None = None) -> list[Pair]:
        """What a claim that finds nothing probes."""
        groups = self._pairs.groups(None, types, self._list)
        return [pair for group in groups for pair in group]

    def _list(self, types: Collection[str] | None) -> list[Pair]:
        self.listings += 1
        self.now += self.seconds
        if self.broken:
            raise RepositoryError("the server refused the list")
        return [pair for pair in self.pairs if types is None or pair[1] in types]


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


@pytest.mark.parametrize("pairs", [[], [(f"queue-{n}", "a") for n in range(50_000)]])
def test_what_takes_long_to_list_is_listed_for_a_hundredth_of_the_time(
    pairs: list[Pair], table: Table
):
    """An idle consumer beside 50,000 pairs of others' kept a core 2.5 % busy."""
    table.pairs, table.seconds = pairs, 0.25
    start = table.now
    while table.now < start + 300:
        table.probe(("other",))
        table.now += 1.0

    assert table.listings <= 300 / 25 + 2


def test_once_many_pairs_are_drained_a_new_one_is_seen_at_once(table: Table):
    """The list of what is gone took long; that of what comes next doesn't."""
    table.pairs, table.seconds = [(f"queue-{n}", "a") for n in range(50_000)], 0.25
    table.probe()
    table.probe()
    table.pairs, table.seconds = [("new", "a")], 0.001

    assert table.probe() == [("new", "a")]


@pytest.mark.parametrize("types", [("b",), ("b", "a"), tuple(f"type-{n}" for n in range(60)), None])
def test_a_list_of_few_types_is_no_list_of_others(types: tuple[str, ...] | None, table: Table):
    """Consumers of one client share the list: the second one's tasks would wait."""
    table.pairs, table.seconds = [(f"queue-{n}", "a") for n in range(50_000)], 0.25
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
