"""The SQL files: the same statements in each dialect, known slots, errors that name the place."""

import re
from dataclasses import fields
from importlib.resources import files

import pytest

from tasq_core.repository.rows import table_names
from tasq_core.sql import SLOTS, Statements, bound, fill, load, load_schema, parse

DIALECTS = ("postgres", "mysql", "sqlite")
FILES = ("claim", "write", "read", "steer", "figures")


def names(dialect: str, stem: str) -> list[str]:
    text = (files("tasq_core.sql") / dialect / f"{stem}.sql").read_text("utf-8")
    return re.findall(r"^-- name: (\w+)$", text, re.MULTILINE)


@pytest.mark.parametrize("stem", FILES)
def test_the_dialects_have_the_same_statements_in_the_same_order(stem: str):
    assert names("postgres", stem) == names("mysql", stem) == names("sqlite", stem)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_of_the_flow_is_there_once(dialect: str):
    found = [name for stem in FILES for name in names(dialect, stem)]
    assert sorted(found) == sorted(field.name for field in fields(Statements))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_only_known_slots_stand_in_a_statement(dialect: str):
    statements = load(dialect)
    texts = [getattr(statements, field.name) for field in fields(Statements)]
    texts += load_schema(dialect).values()
    assert {slot for text in texts for slot in re.findall(r"\{(\w*)\}", text)} <= SLOTS


@pytest.mark.parametrize("dialect", DIALECTS)
def test_binding_a_table_leaves_only_what_a_call_fills(dialect: str):
    names = table_names("x").slots('"', "current_schema()")
    statements = bound(load(dialect), **names, now="NOW()", wall="NOW()")
    texts = [getattr(statements, field.name) for field in fields(Statements)]
    left = {slot for text in texts for slot in re.findall(r"\{(\w*)\}", text)}
    hints = {"hint", "ready_hint", "due_hint", "age_hint", "queue_text", "type_text"}
    parts = {"branches", "ended_by", "pair", "crashes", "locking", "head_order"}
    assert left <= {"where", "order", "rank", "by", "limit"} | parts | hints


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_schema_makes_the_table_before_its_indexes(dialect: str):
    order = list(load_schema(dialect))
    first = min(n for n, name in enumerate(order) if name.startswith("index_"))
    assert order.index("create_table") < first
    assert {"index_ready_created", "index_ready_priority", "index_status"} <= set(order)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_value_is_ever_put_into_a_text(dialect: str):
    for field in fields(Statements):
        text = getattr(load(dialect), field.name)
        assert "{}" not in text
        if dialect != "sqlite":  # there % is the remainder
            assert not re.search(r"(?<!%)%(?!\(\w+\)s|%|s\b)", text), field.name


def test_comments_are_kept_from_the_server():
    found = parse("-- name: a\n-- why\nSELECT 1\n  -- inside\nFROM x\n", "f.sql")
    assert found == {"a": "SELECT 1\nFROM x"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT 1\n-- name: a\nSELECT 1", "sql/x.sql: text before the first"),
        ("-- name: a\nSELECT 1\n-- name: a\nSELECT 2", "sql/x.sql: a stands there twice"),
        ("-- name: a\nSELECT {colour}", r"sql/x.sql: a has the unknown slot \{colour\}"),
        ("-- name: a\nSELECT {}", r"sql/x.sql: a has the unknown slot \{\}"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_its_name(text: str, says: str):
    with pytest.raises(ValueError, match=says):
        parse(text, "sql/x.sql")


def test_slots_that_arent_filled_stay_open():
    assert fill("{tasks} {where}", {"tasks": "t"}) == "t {where}"
