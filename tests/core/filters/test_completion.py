"""What the filter bar offers under the cursor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasq_core.filters import parse
from tasq_core.filters.completion import complete
from tasq_core.filters.keys import KEYS

QUEUES = ("mail", "two words", "archive-mail")


def offered(text: str, cursor: int | None = None) -> list[str]:
    """The whole filters that the completions at the cursor would give."""
    at = len(text) if cursor is None else cursor
    return [c.apply(text)[0] for c in complete(text, at, queues=QUEUES, types=("send",))]


def test_every_key_is_offered_where_a_term_begins() -> None:
    assert offered("") == [f"{key}:" for key in KEYS]
    assert offered("is:ready ") == [f"is:ready {key}:" for key in KEYS]


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("st", ["status:", "started:"]),
        ("-q", ["-queue:"]),
        ("queue:x ty", ["queue:x type:"]),
        ("status:f", ["status:failed", "status:finished"]),
        ("status:failed,n", ["status:failed,new"]),
        ("-is:l", ["-is:leased"]),
        ("queue:ma", ["queue:mail", "queue:archive-mail"]),
        ("queue:two", ['queue:"two words"']),
        ('queue:"two w', ['queue:"two words"']),
        ("type:", ["type:send"]),
        ("created:<1", ["created:<10m", "created:<1h", "created:<1d"]),
        ("nothing", []),
        ("args:x", []),
        ("unknown:x", []),
    ],
)  # fmt: skip
def test_what_was_typed_is_completed(text: str, filters: list[str]) -> None:
    assert offered(text) == filters


def test_the_whole_value_under_the_cursor_is_replaced() -> None:
    assert offered("is:rea,stale x", cursor=6) == ["is:ready,stale x"]
    assert offered("stat:failed", cursor=2) == ["status:failed", "started:failed"]


def test_values_already_listed_are_not_offered_again() -> None:
    assert "status:new,new" not in offered("status:new,")


@given(st.text(st.sampled_from('sta:,"*\\- qmi')), st.integers(-2, 40))
def test_no_text_and_cursor_are_too_odd(text: str, cursor: int) -> None:
    for completion in complete(text, cursor, queues=QUEUES):
        changed, at = completion.apply(text)
        assert changed[:at].endswith(completion.text)


@pytest.mark.parametrize("key", KEYS)
def test_every_offered_value_parses(key: str) -> None:
    for text in offered(f"{key}:"):
        assert parse(text)
