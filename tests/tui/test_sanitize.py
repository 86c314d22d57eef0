import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from tasq_tui.ui.text.sanitize import ControlFilter, fit, folded, safe, safe_content, safe_lines

BLACK = Color(0, 0, 0)
HOSTILE = {
    "ansi": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "c1": "a\x9b31mb\x90\x9c",
    "markup": "[/nope][@click=app.quit]x[/]",
    "bidi": "abc\u202edef\u2066x\u2069",
    "family": "👨\u200d👩\u200d👧",
    "surrogate": "x\ud800y",
    "newlines": "one\r\ntwo\rthree\u2028four\x85five",
    "tab": "a\tb",
    "nul": "a\0b",
    "tower": "e" + "\u0301" * 200,
    "leading mark": "\u0301abc",
}
any_text = st.text(st.characters(), max_size=60)


def is_inert(text: str) -> bool:
    active = {"Cc", "Cs", "Zl", "Zp"}
    return all(
        unicodedata.category(c) not in active
        and unicodedata.bidirectional(c)
        not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        and c not in "\u200d\u200e\u200f\u061c"
        for c in text
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_becomes_inert_and_one_line(text):
    assert is_inert(safe(text))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_never_read_as_markup(text):
    assert safe_content(text, "bold").plain == safe(text)


@pytest.mark.parametrize(
    "text", ["plain", "grüße", "日本語", "한국어", "naïve e\u0301", "👍", "שלום", "a\u00a0b"]
)
def test_ordinary_text_stays_as_it_is(text):
    assert safe(text) == text


def test_what_was_replaced_can_be_seen():
    assert safe("a\x1b[0m\nb\tc\x7f") == "a␛[0m↵b⇥c␡"


def test_long_text_is_cut_with_a_mark():
    assert safe("x" * 50, limit=10) == "x" * 9 + "…"


def test_a_huge_value_is_cut_before_it_is_looked_at():
    assert len(safe("\x1b" * 30_000_000, limit=80)) == 80


def test_values_that_are_no_text_are_shown_as_text():
    assert safe(None) == "None"
    assert safe(b"\x1b") == "b'\\x1b'"


def test_lines_break_at_newlines_and_are_inert_each():
    lines = list(safe_lines("one\r\n\ttwo\x1b[2J\nthree"))

    assert lines == ["one", "    two␛[2J", "three"]


@given(any_text)
def test_any_text_becomes_inert(text):
    assert is_inert(safe(text))


@given(any_text, st.integers(0, 30), st.booleans())
def test_fitted_text_is_exactly_as_wide_as_asked(text, width, right):
    assert cell_len(fit(safe(text), width, right=right)) == width


def test_lines_are_folded_between_words_and_a_long_word_where_it_must_be():
    text = "raise HTTPError for /v2/events/3429000000"

    assert list(folded(text, 16)) == ["raise HTTPError", "for /v2/events/3", "429000000"]
    assert list(folded("", 16)) == [""]


def test_a_line_of_nothing_but_marks_without_width_is_folded_too():
    marks = "\U0001cf00" * 20

    assert "".join(folded(marks, 2)) == marks


@given(any_text, st.integers(2, 30))
@example("0000000\x1f ", 2)  # a space at the very end of a line
def test_folding_keeps_to_the_width_and_loses_only_the_spaces_between_lines(text, width):
    inert = safe(text)

    lines = list(folded(inert, width))

    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == inert.replace(" ", "")


@given(st.lists(any_text, max_size=4))
def test_the_filter_lets_no_control_character_through_and_keeps_the_width(texts):
    strip = Strip([Segment(text, Style(bold=True)) for text in texts])
    width = strip.cell_length

    filtered = strip.apply_filter(ControlFilter(), BLACK)

    text = "".join(segment.text for segment in filtered)
    assert all(unicodedata.category(c) not in {"Cc", "Cs"} for c in text)
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(text)
    assert sum(cell_len(segment.text) for segment in filtered) == width


def test_the_filter_leaves_harmless_segments_alone():
    segments = [Segment("plain"), Segment("日本 ✓")]

    assert ControlFilter().apply(segments, BLACK) == segments
