"""What a filter text means, and where and how a bad one is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasq_core.errors import FilterSyntaxError
from tasq_core.filters import Filter, parse
from tasq_core.filters.keys import KEYS
from tasq_core.filters.model import Term
from tasq_core.filters.values import (
    Age,
    ArgValue,
    IdPrefix,
    Name,
    Needle,
    Numbers,
    Piece,
    Span,
    State,
    Value,
)
from tasq_core.task import OPEN_STATUSES, TaskStatus
from tests.core.filters.strategies import filters


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


JAN_1, JAN_2, JAN_4 = day("2026-01-01"), day("2026-01-02"), day("2026-01-04")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ("status:failed,new", "status", [TaskStatus.NEW, TaskStatus.FAILED]),
        ("status:open", "status", OPEN_STATUSES),
        ("status:FAIL", "status", [TaskStatus.FAILED]),
        ("status:in-progress", "status", [TaskStatus.IN_PROGRESS]),
        ("STATUS:e,s", "status", [TaskStatus.ENQUEUED, TaskStatus.SUCCESSFUL]),
        ("is:ready,stale", "is", [State.READY, State.STALE]),
        ("is:exh", "is", [State.EXHAUSTED]),
        ("queue:mail", "queue", [Name("mail")]),
        ('queue:""', "queue", [Name("")]),
        ("type:send*", "type", [Name("send", star_after=True)]),
        ("type:*send", "type", [Name("send", star_before=True)]),
        ("type:*send*", "type", [Name("send", star_before=True, star_after=True)]),
        ('type:"send*"', "type", [Name("send*")]),
        (r"type:send\*", "type", [Name("send*")]),
        ('type:"a b"*', "type", [Name("a b", star_after=True)]),
        ('type:"a,b",c', "type", [Name("a,b"), Name("c")]),
        (r'type:"say \"hi\" \\ there"', "type", [Name(r'say "hi" \ there')]),
        (r"type:App\Jobs\Send", "type", [Name(r"App\Jobs\Send")]),
        ("type:App::Send", "type", [Name("App::Send")]),
        ("type:a,a", "type", [Name("a")]),
        ("prio:5", "prio", [Numbers(5, 5)]),
        ("priority:>=5", "prio", [Numbers(low=5)]),
        ("prio:>5", "prio", [Numbers(low=6)]),
        ("prio:<-5", "prio", [Numbers(high=-6)]),
        ("prio:<=5,>10", "prio", [Numbers(high=5), Numbers(low=11)]),
        ("prio:-5..-1", "prio", [Numbers(-5, -1)]),
        ("receives:>=3", "receives", [Numbers(low=3)]),
        ("id:AB12", "id", [IdPrefix("ab12")]),
        ("id:ab12cd34-5*", "id", [IdPrefix("ab12cd345")]),
        ('error:"connection refused"', "error", [Piece("connection refused")]),
        ("error:Timeout*", "error", [Piece("Timeout", at_start=True)]),
        ("error:*", "error", [Piece("")]),
        ("args:needle", "args", [Needle("needle")]),
        ("created:>2h", "created", [Span(high=Age(7200), high_open=True)]),
        ("created:<=1d", "created", [Span(low=Age(86400))]),
        ("finished:<1h30m", "finished", [Span(low=Age(5400), low_open=True)]),
        ("started:1h..2h", "started", [Span(Age(7200), Age(3600))]),
        ("created:>2026-01-01", "created", [Span(low=JAN_2)]),
        ("created:>=2026-01-01", "created", [Span(low=JAN_1)]),
        ("created:<2026-01-01", "created", [Span(high=JAN_1, high_open=True)]),
        ("created:<=2026-01-01", "created", [Span(high=JAN_2, high_open=True)]),
        ("created:2026-01-01", "created", [Span(JAN_1, JAN_2, high_open=True)]),
        ("created:2026-01-01..2026-01-03", "created", [Span(JAN_1, JAN_4, high_open=True)]),
        ("visible:>2026-01-01T12:00", "visible", [Span(low=NOON, low_open=True)]),
        ("visible:<=2026-01-01T13:00+01:00", "visible", [Span(high=NOON)]),
        ("ab12", "", [IdPrefix("ab12")]),
        ("0123abcd-EF*", "", [IdPrefix("0123abcdef")]),
        ("ab1", "", [Piece("ab1")]),
        ('"ab12"', "", [Piece("ab12")]),
        ("feed", "", [Piece("feed")]),
        ("refused", "", [Piece("refused")]),
        ("send*", "", [Piece("send", at_start=True)]),
        ('"a:b",c', "", [Piece("a:b"), Piece("c")]),
        (r"a\:b", "", [Piece("a:b")]),
    ],
)  # fmt: skip
def test_a_term_is_read(text: str, key: str, values: Sequence[Value]) -> None:
    assert parse(text) == Filter((Term(key, tuple(values)),))
    assert parse(f"-{text}") == Filter((Term(key, tuple(values), negated=True),))


def test_terms_are_joined_by_any_white_space() -> None:
    assert parse(" queue:a\t-type:b \n c ").terms == (
        *parse("queue:a").terms, *parse("-type:b").terms, *parse("c").terms,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_blank_text_matches_all(text: str) -> None:
    assert parse(text) == Filter()
    assert not parse(text)


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("qeue:mail", 0, "did you mean queue:"),
        ("new -stats:failed", 5, "did you mean status:"),
        ("http://x", 0, "quote it"),
        (":x", 0, "key is missing"),
        ("status:foo", 7, "new, enqueued, in_progress, successful, failed"),
        ("status:new,fooo", 11, 'unknown status "fooo"'),
        ("status:f", 7, "failed or finished"),
        ("is:idle", 3, "ready, delayed"),
        ("status:", 7, "status:failed"),
        ("queue:a status: failed", 15, "right after it"),
        ("queue:", 6, 'queue:""'),
        ("status:failed,", 13, "beside this comma"),
        ("status:failed, new", 13, "beside this comma"),
        ("status:,failed", 7, "beside this comma"),
        ("queue:a,,b", 7, "beside this comma"),
        ("-", 0, "- needs a term"),
        ("new - old", 4, "- needs a term"),
        ('a error:"abc', 8, "unterminated quote"),
        ('type:a,b"c d', 8, "unterminated quote"),
        ('""', 0, "give the text"),
        ("*", 0, "give the text"),
        ("a*b", 0, "start or the end"),
        ("type:*", 5, "leave the term out"),
        ("type:a*b", 5, "start or the end"),
        ('error:""', 6, "give the text"),
        ("args:a*", 5, "anywhere"),
        ("prio:x", 5, "not a number"),
        ("prio:>=", 5, "not a number"),
        ("prio:40000", 5, "-32768 to 32767"),
        ("prio:99999999999999999999", 5, "out of range"),
        ("prio:>32767", 5, "no task can match"),
        ("receives:<0", 9, "no task can match"),
        ("prio:5..1", 5, "1..5"),
        ("prio:1*", 5, "no meaning here"),
        ("id:xyz", 3, "hex digits"),
        ("id:" + "a" * 33, 3, "32 hex digits"),
        ("created:2h", 8, "<2h"),
        ("created:>2x", 8, "90s, 15m, 2h, 1d, 1w"),
        ("created:>2026-02-30", 8, "2026-11-26 09:00"),
        ("created:2026-01-01T12:00", 8, "> (after)"),
        ("created:2h..1h", 8, "1h..2h"),
        ("created:1h..2026-01-01", 8, "age to age"),
        ("created:>0001-01-01", 8, "years"),
        ("created:<=9999-12-31", 8, "years"),
        ("created:>99999999w", 8, "century"),
        ("new \0", 4, "no database stores"),
        ("\ud800", 0, "no database stores"),
    ],
)  # fmt: skip
def test_a_bad_term_is_refused_with_its_place_and_a_hint(
    text: str, position: int, hint: str
) -> None:
    with pytest.raises(FilterSyntaxError) as refused:
        parse(text)
    assert (refused.value.text, refused.value.position) == (text, position)
    assert hint in refused.value.hint


def test_a_filter_too_long_for_a_database_is_refused() -> None:
    with pytest.raises(FilterSyntaxError, match="too many conditions"):
        parse(" ".join(f"error:e{number}" for number in range(600)))


def test_a_long_list_of_names_is_one_condition() -> None:
    names = tuple(f"queue-{number}" for number in range(2000))
    assert parse("queue:" + ",".join(names)).queues() == names


@pytest.mark.parametrize("key", KEYS)
def test_the_examples_of_every_key_are_read_as_that_key(key: str) -> None:
    for example in KEYS[key].examples:
        assert [term.key for term in parse(example).terms] == [key]


@pytest.mark.parametrize("text", ['args.to:>"="', 'args.to:>"=0"', "args.to:<\\=0", 'args.to:>""'])
def test_a_quoted_sign_is_never_part_of_an_operator(text: str) -> None:
    """Else a filter that was saved or copied as a command means something else when read back."""
    (term,) = parse(text).terms
    assert isinstance(value := term.values[0], ArgValue)
    assert value.operator == text[8]
    assert parse(str(parse(text))) == parse(text)


@given(filters(arguments=True))
def test_a_filter_prints_as_text_that_parses_back_to_it(wanted: Filter) -> None:
    assert parse(str(wanted)) == wanted


fragments = st.sampled_from(
    [*KEYS, ":", ",", "-", "*", '"', "\\", " ", ">", "<=", "..", "2h", "2026-01-01", "5", "new", "ready", "ab12"]
)  # fmt: skip


@given(st.text() | st.lists(fragments, max_size=12).map("".join))
def test_any_text_is_read_or_refused_at_a_place_inside_it(text: str) -> None:
    try:
        wanted = parse(text)
    except FilterSyntaxError as error:
        refused = error
    else:
        assert parse(str(wanted)) == wanted
        return
    assert 0 <= refused.position <= len(text)
    assert refused.hint


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("status=failed", 6, "write status:failed"),
        ("queue==mail", 5, "write queue:mail"),
        ("a status!=new", 8, "write -status:new"),
        ("prio>=5", 4, "write prio:>=5"),
        ("error~refused", 5, r"write error:\*refused\*"),
        ("status = failed", 7, "without spaces"),
        ("status:failed OR queue:x", 14, "commas"),
        ("status:failed or x", 14, "commas"),
        ("a AND b", 2, "leave it out"),
        ("a && b", 2, "leave it out"),
        ("a || b", 2, "commas"),
        ("NOT queue:x", 0, "- right before a term"),
        ("!queue:x", 0, "-queue"),
        ("\u2013queue:x", 0, "not a plain minus"),
        ("error:\u201crefused\u201d", 6, "not a plain quote"),
        ("\u201cconnection refused\u201d", 0, "not a plain quote"),
        ("error:\u2019x", 6, "not a plain quote"),
        ("status\uff1afailed", 6, "not a plain colon; write status:failed"),
        ("(status:failed)", 0, "no parentheses"),
        ("created:>2026-11-26 09:00", 20, "quote a time"),
        ("created:>2026", 8, "year or seconds"),
        ("args.:x", 0, "args.to:a@b.c"),
        ("args.a..b:x", 0, "args.to:a@b.c"),
        ("took:5s", 5, "say >5s"),
    ],
)
def test_filters_of_other_languages_are_refused_with_a_hint(
    text: str, position: int, hint: str
) -> None:
    """Taken for words they match nothing, and an operator believes that nothing failed."""
    with pytest.raises(FilterSyntaxError, match=hint) as caught:
        parse(text)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "text", ['"or"', "errno=5", "don\u2019t", '"status=failed"', "a=b", "\u30a8\u30e9\u30fc\uff1ax", 'error:"\u201cx\u201d"']
)  # fmt: skip
def test_text_that_only_looks_foreign_is_text(text: str) -> None:
    assert str(parse(str(parse(text)))) == str(parse(text))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("receive_count:>=3", "receives:>=3"),
        ("last_error:x", "error:x"),
        ("created_at:>2h", "created:>2h"),
        ("max_receives:0", "max:0"),
        ("VISIBLE_AT:<1h", "visible:<1h"),
        ("created:>1.5H", "created:>90m"),
        ("created:>90", "created:>90s"),
        ("created:2026-02", "created:2026-02-01..2026-02-28"),
        ('created:>"2026-01-01 12:00"', "created:>2026-01-01T12:00Z"),
        ('created:>"2h ago"', "created:<2h"),
        ("visible:>now", "visible:<0s"),
        ("took:<1.5m", "took:<90s"),
    ],
)
def test_one_filter_has_several_spellings(text: str, same: str) -> None:
    assert parse(text) == parse(same)


def test_today_is_all_of_this_day() -> None:
    assert str(parse("created:today")).startswith("created:20")
    assert parse("created:yesterday..today") == parse(str(parse("created:yesterday..today")))
    assert str(parse('visible:>"in 2h"')) == 'visible:>"in 2h"'
    assert str(parse("created:2026-01-01..now")) == "created:2026-01-01..now"
