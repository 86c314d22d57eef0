"""Filters that look into the arguments find JSON and gob alike, and never half of them."""

import pytest

from tasq_core import Client, InvalidInputError, Repository, Task
from tasq_core.filters import parse
from tasq_core.repository import arguments
from tests.support.databases import Database

ARGS = [
    ({"to": "a@b.c", "amount": {"cents": 150}, "on": True}, {}),
    ({"to": "x@b.c", "amount": {"cents": 99.5}, "lines": [{"sku": "s1"}]}, {}),
    ({"to": "a@b.c", "amount": {"cents": 1000}}, {"codec": "gob"}),
    ({"to": None, "amount": {"cents": "150"}}, {}),
    ({"To": "Go", "Cents": 0}, {"as_struct": True}),
]


@pytest.fixture
def filled(database: Database) -> Repository:
    repository = database.open()
    repository.migrate()
    tasks = [Task.new(f"t{number}", args, **how) for number, (args, how) in enumerate(ARGS)]  # type: ignore[arg-type]
    repository.submit_tasks([*tasks, Task.new("raw", 7), Task.new("t6", "to")])
    return repository


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("args.to:a@b.c", ["t0", "t2"]),
        ("args.to:*@b.c", ["t0", "t1", "t2"]),
        ("args.to:null", ["t3"]),
        ('args.to:"null"', []),
        ("args.on:true", ["t0"]),
        ("args.amount.cents:>100", ["t0", "t2"]),
        ("args.amount.cents:<=99.5", ["t1"]),
        ("args.amount.cents:150", ["t0", "t3"]),
        ("args.lines.0.sku:s1", ["t1"]),
        ("args.Cents:0", ["t4"]),
        ("args.to:a@b.c -args.on:true", ["t2"]),
        ("-args.to:a@b.c type:t0,t1", ["t1"]),
        ("args.to:a@b.c,x@b.c type:t1,t2", ["t1", "t2"]),
        ("args.nothing:1", []),
    ],
)
def test_arguments_are_found_by_path_in_json_and_gob(
    filled: Repository, text: str, types: list[str]
):
    where = parse(text)

    found = filled.page(where, "oldest")

    assert [task.type for task in found] == types
    assert [id for _, id in filled.ids(where)] == [task.id for task in found]
    assert filled.count(where) == len(types)
    assert [task.type for task in filled.page(where, "newest", limit=1)] == types[-1:]
    assert parse(str(where)) == where


def test_pages_of_argument_filters_follow_each_other(filled: Repository):
    inspector = Client(filled).new_inspector()
    first = inspector.page("args.to:*@b.c", limit=2)
    second = inspector.page("args.to:*@b.c", after=first.next, limit=2)

    assert [task.type for task in first.tasks + second.tasks] == ["t2", "t1", "t0"]
    assert second.next is None


def test_more_than_can_be_looked_at_is_refused_with_the_figure(
    filled: Repository, monkeypatch: pytest.MonkeyPatch
):
    """Half of the matches, taken for all of them, would be deleted or requeued alone."""
    monkeypatch.setattr(arguments, "MOST_LOOKED_AT", 2)
    monkeypatch.setattr(arguments, "_BATCH", 2)

    for call in (filled.count, filled.ids, filled.page):
        with pytest.raises(InvalidInputError, match=r"of the 2 tasks looked at . match, with more"):
            call(parse("args.to:a@b.c"))


def test_long_arguments_are_read_whole(filled: Repository):
    """Only a piece of each task is read at first, so that a batch of large ones fits in memory."""
    long = Task.new("long", {"filler": "x" * 50_000, "to": "far@b.c"})
    filled.submit_task(long)

    assert filled.page(parse("args.to:far@b.c")) == [long]
    (cut,) = filled.page(parse("args.to:far@b.c"), preview=10)
    assert len(cut.args) == 10
    assert filled.count(parse("args.to:far@b.c")) == 1
