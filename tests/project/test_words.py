"""One word for one thing: words that were replaced stay out of names and of what users read.

To retire a word, add it to a table below once its renames have landed.
"""

import ast
import itertools
import re
from functools import cache

import pytest

from tests.support.processes import ROOT

# One worker parses all modules, not each.
pytestmark = pytest.mark.xdist_group("words")

# Words of identifiers and module names, singular and plural apart, and what is used instead.
RETIRED_NAMES = {
    "ages": "durations",
    "asking": "confirmation",
    "calm": "backoff after empty wake-ups",
    "changing": "operation",
    "choosing": "selection",
    "consumer_words": "status_text",
    "engine": "ConsumerRun",
    "hold": "checkout, freeze",
    "hungry": "demand",
    "inert": "sanitize",
    "journal": "ConsumerLog, AuditLog",
    "kick": "wake",
    "kinds": "queues and types",
    "lane": "QueryThread",
    "let_go": "forget",
    "patience": "response timeout, stop timeout",
    "poke": "wake",
    "safe_text": "sanitize",
    "selecting": "selection",
    "stir": "wake",
    "tell": "notify, report",
    "tells": "reports",
    "told": "reported",
}

# What people read: messages, help, docstrings, comments of SQL, documentation. Regular expressions.
RETIRED_PHRASES = {
    r"quote never ends": "unterminated quote",
    r"turn (it|them) round": "swap the bounds",
    r"as seldom as they are dear": "cached and rate-limited by their cost",
    r"outlives neither": "exits with the app",
    r"locks nobody out": "during COPY",
    r"sooner sorted": "sorting beats walking the index",
    r"\bhungry\b": "wants jobs",
    r"\bpoked?\b": "wake",
    r"without a word to": "write nothing",
    r"(?<!there )\b(is|are|was) no (?!longer|limit)": "is not a",
    r"let(s|ting)? go\b": "release, forget, end",
}

# What the command and the app say, and the pages that people read, where `receives:` is a key of
# filters, `max_receives` a name of the library and `--max-receives` an option.
RETIRED_BEFORE_PEOPLE = {
    r"(?<![-_`\"'])\breceives?\b(?![:\"'`])": "attempt, attempts",
    r"\b(set|reset) the receive count\b": "attempts",
    r"^Reset\b": "Retry from zero",
}
RETIRED_IN_SQL = {r"\bplaces?\b": "ordinal, qualifier"}
COUNTED_NOUNS = re.compile(
    r" (?:[a-z]+ )?(?:tasks|rows|consumers|failures|handlers|leases|workers|ids|attempts|changes"
    r"|findings|lines|events|bytes|elements|groups|kinds|types|queues|schedules|problems|warnings)\b"
)

_PYTHON = [path for top in ("tasq_core", "tasq_tui") for path in sorted((ROOT / top).rglob("*.py"))]
_PROSE = [
    *(path for top in ("tasq_core", "tasq_tui") for path in sorted((ROOT / top).rglob("*.sql"))),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
]


@cache
def _module(path):
    """What a module defines, and each of its strings, with their lines."""
    tree = ast.parse(path.read_text())
    return [(path.stem, 1), *_names(tree)], list(_strings(tree))


@cache
def _snake(name):
    """`HTTPServer_x` as `http_server_x`, so that words can be looked for."""
    return "_".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)).lower()


def _names(tree):
    """Each name that a module defines, with its line; others' names aren't its choice."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def _has_word(name, word):
    return f"_{word}_" in f"_{_snake(name)}_"


def _strings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


@pytest.mark.slow
@pytest.mark.parametrize("word", RETIRED_NAMES)
def test_a_retired_word_names_nothing(word):
    """A reader who meets two words looks for two things."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}; use {RETIRED_NAMES[word]}"
        for path in _PYTHON
        for name, line in _module(path)[0]
        if _has_word(name, word) and not (word == "kinds" and "gob" in path.parts)  # Go's word
    ]

    assert found == []


@pytest.mark.parametrize("phrase", RETIRED_PHRASES)
def test_a_retired_phrase_is_said_to_nobody(phrase):
    pattern = re.compile(phrase, re.IGNORECASE)
    texts = [
        *((path, text) for path in _PYTHON for text in _module(path)[1]),
        *((path, (path.read_text(), 1)) for path in _PROSE if path.exists()),
    ]

    found = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]}; write {RETIRED_PHRASES[phrase]}"
        for path, (text, line) in texts
        for match in pattern.finditer(text)
    ]

    assert found == []


@pytest.mark.parametrize("phrase", RETIRED_BEFORE_PEOPLE)
def test_people_read_one_word_for_an_attempt(phrase):
    """Who reads of receives in one place and of attempts in another looks for the difference."""
    pattern = re.compile(phrase, re.IGNORECASE)
    texts = [
        *((path, text) for path in _PYTHON for text in _module(path)[1] if _is_prose(text[0])),
        *((path, (path.read_text(), 1)) for path in _PROSE if path.suffix == ".md"),
    ]

    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[max(found.start() - 30, 0) : found.end() + 20]!r};"
        f" write {RETIRED_BEFORE_PEOPLE[phrase]}"
        for path, (text, line) in texts
        for found in pattern.finditer(text)
    ]

    assert found == []


@pytest.mark.parametrize("phrase", RETIRED_IN_SQL)
def test_statements_use_one_word_for_an_ordinal(phrase):
    """A number of a row, the schema in front of a name and a server were all called a place."""
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}; write {RETIRED_IN_SQL[phrase]}"
        for path in _PROSE
        if path.suffix == ".sql"
        for match in re.finditer(phrase, path.read_text(), re.IGNORECASE)
    ]

    assert found == []


def test_pictures_are_named_by_the_words_of_today():
    """A page of the documentation links to them by name."""
    pictures = [*(ROOT / "screenshots").glob("*.svg"), *(ROOT / "tests").rglob("*.svg")]
    retired = re.compile(rf"(?<![a-z])({'|'.join(RETIRED_NAMES)})(?![a-z])")

    assert pictures
    assert [path.name for path in pictures if retired.search(path.name)] == []


def _is_prose(text):
    """Whether a person may read it, and it isn't a name."""
    return " " in text or text.istitle()


def _counted_by_hand(tree):
    """F-strings in which a number stands before a plural, where it may be one."""
    guarded = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.IfExp) and "1" in ast.unparse(node.test)
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr) or id(node) in guarded:
            continue
        for value, after in itertools.pairwise(node.values):
            if (
                isinstance(value, ast.FormattedValue)
                and isinstance(after, ast.Constant)
                and COUNTED_NOUNS.match(str(after.value))
                and (
                    value.format_spec is not None
                    or re.match(r"len\(|count\(|\w*count\b", ast.unparse(value.value))
                )
                and not re.search(r"[A-Z]{3}|\.\d?f", ast.unparse(value))
            ):
                yield ast.unparse(node), node.lineno


def test_a_number_and_its_noun_come_from_one_place():
    """ "1 tasks" makes a reader doubt the number, too."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}; write counted(number, noun)"
        for path in _PYTHON
        for text, line in _counted_by_hand(ast.parse(path.read_text()))
    ]

    assert found == []
    assert [*_counted_by_hand(ast.parse("f'{len(x)} tasks'"))]


def test_words_are_found_in_names_of_any_shape():
    assert _has_word("AuditJournal", "journal")
    assert _has_word("_note_in_journal", "journal")
    assert _has_word("LET_GO", "let_go")
    assert not _has_word("packages", "ages")
