"""What a Filter tells about itself."""

import pytest

from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter, parse
from tasq_core.task import FINISHED_STATUSES, OPEN_STATUSES, TaskStatus


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("", None),
        ("queue:mail", None),
        ("status:all", None),
        ("status:failed,new", (TaskStatus.NEW, TaskStatus.FAILED)),
        ("-status:new", (TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS, *FINISHED_STATUSES)),
        ("status:open -status:new", (TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)),
        ("is:ready", OPEN_STATUSES),
        ("is:delayed,finished", (TaskStatus.NEW, *FINISHED_STATUSES)),
        ("-is:ready", None),
        ("-is:open", FINISHED_STATUSES),
        ("is:stale status:enqueued", (TaskStatus.ENQUEUED,)),
        ("status:new status:failed", ()),
    ],
)
def test_the_statuses_a_match_can_have(text: str, statuses: tuple[TaskStatus, ...] | None) -> None:
    assert parse(text).statuses() == statuses


@pytest.mark.parametrize(
    ("text", "queues"),
    [
        ("type:a", None),
        ("queue:a,b", ("a", "b")),
        ("queue:a,b*", None),
        ("-queue:a", None),
        ("queue:a,b queue:b,c", ("b",)),
        ("queue:a queue:b", ()),
        ('queue:""', ("",)),
    ],
)
def test_the_queues_a_match_can_have(text: str, queues: tuple[str, ...] | None) -> None:
    assert parse(text).queues() == queues
    assert parse(text.replace("queue:", "type:")).types() == (
        ("a",) if text == "type:a" else queues
    )


def test_of_is_what_its_text_says() -> None:
    wanted = Filter.of(
        statuses=(TaskStatus.FAILED, TaskStatus.NEW), types=("send mail", "a*"), queues=("",)
    )
    assert str(wanted) == 'status:new,failed type:"send mail","a*" queue:""'
    assert parse(str(wanted)) == wanted


def test_of_nothing_matches_all_but_an_empty_list_is_refused() -> None:
    assert Filter.of() == Filter()
    with pytest.raises(InvalidInputError, match="queue is empty"):
        Filter.of(queues=())


def test_and_joins_the_terms_of_both_without_repeats() -> None:
    assert parse("a1 queue:x") & parse("queue:x -b") == parse("a1 queue:x -b")
    assert Filter() & Filter() == Filter()


def test_a_filter_is_hashable() -> None:
    assert len({parse("queue:a"), parse("queue:a"), parse("queue:b")}) == 2


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("STATUS:Fail,n", "status:new,failed"),
        ("status:new,enqueued,in_progress", "status:open"),
        ("prio:>5 prio:=3", "prio:>=6 prio:3"),
        ("created:<90m finished:>48h started:<0s", "created:<90m finished:>2d started:<0s"),
        ("created:>2026-01-01 created:2026-01-01..2026-01-01", "created:>=2026-01-02 created:2026-01-01"),
        ("visible:>2026-01-01T00:00", "visible:>2026-01-01T00:00:00Z"),
        ("id:AB12CD345", "id:ab12cd34-5"),
        ('"plain" "two words" "ab12" "-x" "a:b"', 'plain "two words" "ab12" "-x" "a:b"'),
    ],
)  # fmt: skip
def test_a_filter_prints_in_one_way(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
