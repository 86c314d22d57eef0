"""Filters by chance, from the values that a caller has."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from hypothesis import strategies as st

from tasq_core.filters.model import Filter, Term, in_order
from tasq_core.filters.values import (
    Age,
    ArgValue,
    IdPrefix,
    Lengths,
    Moment,
    Name,
    Needle,
    Numbers,
    Piece,
    Span,
    State,
    reads_as_id,
)
from tasq_core.task import TaskStatus

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    | st.sampled_from(list(' ,:*"\\-abcdef0123<>=.')),
    max_size=8,
)
days = st.dates(date(2, 1, 2), date(9998, 12, 30)).map(
    lambda day: datetime.combine(day, time(), UTC)
)
times = days | st.builds(datetime.combine, days, st.times(), st.just(UTC))
ages = st.integers(0, 100 * 365 * 86400)
hex_digits = st.text("0123456789abcdef", min_size=1, max_size=32)


@st.composite
def names(draw: st.DrawFn, text: st.SearchStrategy[str]) -> Name:
    name = draw(text)
    return Name(name, draw(st.booleans()), draw(st.booleans())) if name else Name(name)


@st.composite
def pieces(draw: st.DrawFn, text: st.SearchStrategy[str]) -> Piece:
    at_start, at_end = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    return Piece(draw(text.filter(bool)), at_start, at_end)


@st.composite
def numbers(draw: st.DrawFn, low: int, high: int) -> Numbers:
    first, last = sorted(draw(st.tuples(st.integers(low, high), st.integers(low, high))))
    return draw(
        st.sampled_from([Numbers(first, last), Numbers(first, first), Numbers(low=first), Numbers(high=last)])
    )  # fmt: skip


@st.composite
def spans(draw: st.DrawFn, at: st.SearchStrategy[datetime], age: st.SearchStrategy[int]) -> Span:
    is_open = draw(st.booleans())
    if draw(st.booleans()):
        young, old = (Age(seconds) for seconds in sorted(draw(st.tuples(age, age))))
        return draw(st.sampled_from([Span(old, young), *_one_sided(young, is_open)]))
    first, last = sorted(draw(st.tuples(at, at)))
    midnight = datetime.combine(last.date(), time(), UTC)
    two_sided = Span(first, last)
    if is_open and first < midnight:
        two_sided = Span(first, midnight, high_open=True)
    return draw(st.sampled_from([two_sided, *_one_sided(first, is_open)]))


def _one_sided(moment: Moment, is_open: bool) -> list[Span]:
    return [Span(low=moment, low_open=is_open), Span(high=moment, high_open=is_open)]


@st.composite
def lengths(draw: st.DrawFn, age: st.SearchStrategy[int]) -> Lengths:
    low, high = sorted(draw(st.tuples(age, age)))
    is_open = draw(st.booleans())
    return draw(
        st.sampled_from(
            [Lengths(low, high), Lengths(low=low, low_open=is_open), Lengths(high=low, high_open=is_open)]
        )
    )  # fmt: skip


@st.composite
def arg_values(draw: st.DrawFn) -> ArgValue:
    text = draw(texts)
    form = draw(st.sampled_from(["text", "before", "after", ">", "<="]))
    if form == "text" or not text:
        return ArgValue("=", text, is_text=True)
    if form in (">", "<="):
        return ArgValue(form, text, is_text=True)
    return ArgValue("=", text, star_before=form == "before", star_after=form == "after")


def filters(
    *,
    named: st.SearchStrategy[str] = texts,
    found: st.SearchStrategy[str] = texts,
    needles: st.SearchStrategy[str] = texts,
    ids: st.SearchStrategy[str] = hex_digits,
    at: st.SearchStrategy[datetime] = times,
    age: st.SearchStrategy[int] = ages,
    counts: Sequence[int] = (-32768, 32767),
    max_terms: int = 4,
    arguments: bool = False,
) -> st.SearchStrategy[Filter]:
    """Filters as `parse` would make them, with these texts, times and numbers in them."""
    word_ids = ids.filter(reads_as_id).map(IdPrefix)
    by_key = {
        "is": st.sampled_from(State),
        "queue": names(named),
        "type": names(named),
        "prio": numbers(*counts),
        "receives": numbers(max(counts[0], 0), counts[1]),
        "max": numbers(max(counts[0], 0), counts[1]),
        "id": ids.map(IdPrefix),
        **dict.fromkeys(("took", "waited"), lengths(age)),
        "error": pieces(found) | st.just(Piece("")),
        "args": needles.filter(bool).map(Needle),
        "": pieces(found) | word_ids,
        **dict.fromkeys(("created", "started", "finished", "visible"), spans(at, age)),
    }
    if arguments:
        by_key |= dict.fromkeys(("args.to", "args.Lines.0.SKU"), arg_values())
    terms = [
        st.builds(
            Term,
            st.just(key),
            st.lists(values, min_size=1, max_size=3, unique=True).map(tuple),
            st.booleans(),
        )
        for key, values in by_key.items()
    ]
    statuses = st.builds(
        Term,
        st.just("status"),
        st.frozensets(st.sampled_from(TaskStatus), min_size=1).map(in_order),
        st.booleans(),
    )
    return st.lists(statuses | st.one_of(terms), max_size=max_terms, unique=True).map(
        lambda chosen: Filter(tuple(chosen))
    )
