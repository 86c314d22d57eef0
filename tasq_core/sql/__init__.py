"""The SQL of each database: whole statements in `.sql` files, loaded and checked once.

A file holds statements, each behind a line `-- name: NAME`. Comment lines are kept out of
what the server sees. Values are always bound; the only text ever put in is one of
`SLOTS`: the quoted names of the table, its schema and its enum type, the columns of a task, a
condition built by `tasq_core.filters`, one of a fixed set of orders, and MySQL's claim
branches, index hints, collations and clock.
"""

import re
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Final

SLOTS: Final = frozenset(
    {
        "tasks", "name", "qualifier", "schema", "enum", "columns", "preview_columns", "where",
        "order", "branches", "pair", "hint", "ready_hint", "due_hint", "age_hint", "rank",
        "queue_text", "type_text", "limit", "locking", "now", "wall", "crashes", "exhausted", "by",
        "ended_by", "head_order",
    }
)  # fmt: skip

OBSOLETE_INDEXES: Final = ("claim_created", "claim_priority")
"""Indexes of older versions, which `migrate` drops once it has made those of today."""

OLDER_SHAPES: Final = {
    "mysql": {
        "finished": "finished_at",
        "status": "status, created_at, id, visible_at, receive_count, max_receives",
    }
}
"""The columns that a dialect's indexes had in older versions; `migrate` gives them today's."""

FOLDERS: Final = {
    "postgresql": "postgres", "sqlite": "sqlite", "mysql": "mysql", "mariadb": "mysql",
}  # fmt: skip
"""A dialect's folder of `.sql` files."""

SIDE_SLOTS: Final = frozenset({"consumers", "pauses", "attempts", "schedules", "lead"})
"""The quoted names of the side tables, and what their names begin with."""

_FILES: Final = ("claim", "write", "read", "steer", "figures")
_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_SLOT: Final = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """Every statement of the flow, by name. The three dialects have the same ones."""

    columns: str
    """The select list of a task, in the order of its fields."""
    preview_columns: str
    """The same with `args` and `last_error` cut to the bound `preview`."""
    claim: str
    claim_many: str
    """PostgreSQL's for many pairs; empty elsewhere."""
    claim_extent: str
    """MySQL's and SQLite's look at how much there is; empty elsewhere, like the 14 that follow."""
    claim_near: str
    near_ready: str
    near_due: str
    near_oldest: str
    claim_heads: str
    claim_due_heads: str
    claim_ready: str
    claim_ready_of_pair: str
    """SQLite's alone."""
    claim_due: str
    lock: str
    turn: str
    end_turn: str
    claim_unindexed: str
    lease: str
    fail_exhausted: str
    claimable_pairs: str
    """(queue, type) of tasks, and in how many seconds of `horizon` they are visible; 0 for now."""
    claimable_pairs_of: str
    """PostgreSQL's for few types; empty elsewhere."""
    newest_pairs: str
    """The same of so many of the newest tasks."""
    submit: str
    submit_prepared: str
    """PostgreSQL's for libpq, its values by position; empty elsewhere."""
    submit_many: str
    restore: str
    start: str
    error: str
    finish: str
    ping: str
    ping_leases: str
    record_outcomes: str
    record_endings: str
    """MySQL's for outcomes that all have neither an error nor a retry; empty elsewhere."""
    delete_leases: str
    release_leases: str
    set_aside: str
    """Gives back a claimed row by its raw id, hidden for `timeout`."""
    held_leases: str
    """Which of these leases are held, locked; MySQL's stand-in for RETURNING."""
    requeue: str
    requeue_own: str
    reset: str
    delete: str
    now: str
    identity: str
    """Which database a connection leads to, and which table the name stands for there."""
    get: str
    sizes: str
    scan: str
    count: str
    count_up_to: str
    page_newest: str
    page_oldest: str
    page_last_finished: str
    page_first_finished: str
    ids: str
    open_counts: str
    finished_counts: str
    breakdown_queue: str
    breakdown_type: str
    activity: str
    lock_rows: str
    """Whole rows by id, locked in the order of their ids."""
    rewrite: str
    """Writes rows by id: all columns but the id and the times of creation and start."""
    ended_since: str
    """Finished tasks that ended at or after a time, in the order of their ends."""
    write_nothing: str
    """What only a server that takes writes does; it changes nothing."""
    states: str
    """Status and lease (receive_count, nonce) of rows by id."""
    timings: str
    """How long the newest ended tasks waited and ran, by name."""
    ended: str
    """The newest ended tasks, counted by bucket of time, name and status."""
    arrived: str
    """The newest created tasks, counted by bucket of time and name."""
    open_pairs: str
    """What holds the open tasks of each queue and type."""
    blockers: str
    """Sessions, transactions and standbys that hold the table up."""
    standing: str
    """Whether this server takes no writes, being a standby or set so."""


def parse(text: str, source: str) -> dict[str, str]:
    """The named statements of one file's text.

    Raises:
        ValueError: text before the first name, a name twice, or an unknown slot.
    """
    head, *parts = _NAME.split(text)
    if any(line and not line.startswith("--") for line in head.splitlines()):
        raise ValueError(f"{source}: text before the first '-- name:' line")
    found: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise ValueError(f"{source}: {name} stands there twice")
        unknown = set(_SLOT.findall(body)) - SLOTS - SIDE_SLOTS
        if unknown:
            raise ValueError(f"{source}: {name} has the unknown slot {{{unknown.pop()}}}")
        lines = (line for line in body.splitlines() if not line.lstrip().startswith("--"))
        found[name] = "\n".join(lines).strip()
    return found


@cache
def load(dialect: str) -> Statements:
    """The statements of the folder `dialect`, their slots still open."""
    found: dict[str, str] = {}
    for stem in _FILES:
        path = files("tasq_core.sql") / dialect / f"{stem}.sql"
        found |= parse(path.read_text("utf-8"), f"sql/{dialect}/{stem}.sql")
    wanted = {field.name for field in fields(Statements)}
    if found.keys() != wanted:
        odd = sorted(found.keys() ^ wanted)
        raise ValueError(f"sql/{dialect}: missing or unknown statements: {', '.join(odd)}")
    return Statements(**found)


@cache
def load_schema(dialect: str) -> dict[str, str]:
    """The statements that make the schema of `dialect`, in order, their slots still open."""
    path = files("tasq_core.sql") / dialect / "schema.sql"
    return parse(path.read_text("utf-8"), f"sql/{dialect}/schema.sql")


@cache
def load_side(dialect: str) -> dict[str, str]:
    """The statements on the side tables of `dialect`, by name, their slots still open."""
    path = files("tasq_core.sql") / dialect / "side.sql"
    return parse(path.read_text("utf-8"), f"sql/{dialect}/side.sql")


def fill(text: str, slots: dict[str, str]) -> str:
    """`text` with these slots filled; others stay open for later."""
    return _SLOT.sub(lambda match: slots.get(match[1], match[0]), text)


def bound(statements: Statements, **slots: str) -> Statements:
    """The statements for one table, its names (and the column lists) filled in."""
    texts = {field.name: getattr(statements, field.name) for field in fields(Statements)}
    slots["columns"] = fill(texts["columns"], slots)
    slots["preview_columns"] = fill(texts["preview_columns"], slots)
    return Statements(**{name: fill(text, slots) for name, text in texts.items()})


def drop_index(dialect: str, slots: dict[str, str], index: str) -> str:
    """The statement that drops an index of ours from the table that `slots` names."""
    name = f"{slots['name']}_tasq_{index}"
    if dialect == "mysql":
        return f"ALTER TABLE {slots['tasks']} DROP INDEX `{name}`, ALGORITHM = INPLACE, LOCK = NONE"
    return f'DROP INDEX IF EXISTS {slots["qualifier"]}"{name}"'


def replace_index(slots: dict[str, str], index: str) -> str:
    """MySQL's statement that gives an index of ours today's columns, in place of older ones."""
    adding, drop = load_schema("mysql")[f"index_{index}"], f"DROP INDEX `{{name}}_tasq_{index}`"
    return fill(adding.replace("ADD INDEX", f"{drop},\n  ADD INDEX", 1), slots)
