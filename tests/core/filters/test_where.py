"""The SQL of filters: each database finds the rows that the reference evaluator finds."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasq_core.filters import Filter, parse
from tasq_core.filters.where import (
    MySQLWhere,
    PostgresWhere,
    SQLiteWhere,
    Where,
    WhereDialect,
    build,
)
from tasq_core.repository.sqlite_driver import add_functions
from tasq_core.task import IMMEDIATELY, Task, TaskStatus
from tests.core.filters.reference import matches
from tests.core.filters.strategies import filters
from tests.support.databases import Database, external_url

DIALECTS: dict[str, WhereDialect] = {
    "postgres": PostgresWhere(),
    "mysql": MySQLWhere(),
    "sqlite": SQLiteWhere(),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NAMES = (
    "", "send", "Send", "send ", "SEND", "send%", "send_x", "sendAx", "se\\nd", "a,b", 'q"q', "q'q",
    "é", "É", "e", "\N{LATIN SMALL LETTER LONG S}end", "日本", "*", "feed", "send|x", "[x]", "%(w0)s", ":w0", "🚀",
)  # fmt: skip
ERRORS = (
    None, "", "connection refused", "Connection REFUSED at 100%", "a_b", "axb", "back\\slash",
    'q"q', "q'q", "日本: error", "feed me", "100|50", "100%50", "x" * 5000 + "end", "tail ", "[e]",
    "ÜBERLAUF: Größe", "überlauf", "Überlauf der GRÖßE", "ŻÓŁĆ", "x (Ä.C) y",
)  # fmt: skip
ARGS = (b'{"to":"a@b.c"}', b"\x00\xff\x00bin", "日本".encode(), b"%_\\", b"", b"a'b\"c", b"BIN")
PIECES = (
    "send", "SEND", "%", "_", "\\", "|", "e", "日", "q'", '"', "refused", "CONNECTION", "x_b", "end",
    "100", "feed", " ", "[", "*", ":w0", "%(w0)s", "nothing like it",
)  # fmt: skip
# Minutes away from every age that the filters ask for, so that a slow run changes nothing.
AGES = tuple(timedelta(minutes=m) for m in (-3000, -90, -20, 20, 90, 300, 1800, 20000))
STATUS_ENUM = "ENUM ('NEW', 'ENQUEUED', 'IN_PROGRESS', 'SUCCESSFUL', 'FAILED')"
COLUMN_TYPES = {
    "postgres": {"id": "uuid", "bytes": "bytea", "status": "{table}_status", "time": "timestamptz"},
    "mysql": {
        "id": "binary(16)",
        "bytes": "longblob",
        "status": STATUS_ENUM,
        "time": "datetime(6)",
    },
    "sqlite": {"id": "blob", "bytes": "blob", "status": "text", "time": "integer"},
}
CREATE_TABLE = """
    CREATE TABLE {table} (
        id {id} NOT NULL PRIMARY KEY, type text NOT NULL, args {bytes} NOT NULL,
        queue text NOT NULL, priority smallint NOT NULL, status {status} NOT NULL,
        receive_count int NOT NULL DEFAULT 0, max_receives int NOT NULL DEFAULT 0,
        last_error text, created_at {time} NOT NULL, started_at {time} NULL,
        finished_at {time} NULL, visible_at {time} NOT NULL
    ) {options}
"""


def varied_tasks(now: datetime) -> list[Task]:
    """Rows of every kind, in a mix that is the same on every run but for the times."""
    chance = random.Random(7)
    types, errors, args = cycle(NAMES), cycle(ERRORS), cycle(ARGS)

    def some_time() -> datetime:
        return now - chance.choice(AGES) + timedelta(microseconds=chance.randrange(1_000_000))

    return [
        Task(
            UUID(bytes=bytes([number // 3]) + chance.randbytes(15)),
            next(types),
            next(args),
            chance.choice(NAMES),
            chance.choice([-32768, -1, 0, 0, 1, 5, 32767]),
            chance.choice(list(TaskStatus)),
            chance.choice([0, 1, 2, 3]),
            chance.choice([0, 0, 1, 3]),
            next(errors),
            some_time(),
            chance.choice([None, some_time()]),
            chance.choice([None, some_time()]),
            chance.choice([IMMEDIATELY, some_time(), some_time()]),
        )
        for number in range(72)
    ] + [Task(UUID("feedface-0000-4000-8000-000000000000"), "other", b"x", created_at=some_time())]


def stored(backend: str, value: Any) -> Any:
    """`value` as the table holds it."""
    if isinstance(value, UUID) and backend != "postgres":
        return value.bytes
    if isinstance(value, datetime) and backend != "postgres":
        naive = value.replace(tzinfo=None)
        return naive if backend == "mysql" else (value - EPOCH) // timedelta(microseconds=1)
    return str(value) if isinstance(value, TaskStatus) else value


class Table:
    """A task table made by hand, with a few rows of every kind."""

    def __init__(self, database: Database) -> None:
        self.now = datetime.now(UTC)
        self.tasks = varied_tasks(self.now)
        self._backend = database.backend
        self._name = database.table
        connection = database.connect(autocommit=True)
        if self._backend == "sqlite":
            add_functions(connection)
        self._cursor = connection.cursor()
        types = COLUMN_TYPES[self._backend]
        types = types | {"status": types["status"].format(table=self._name)}
        if self._backend == "postgres":
            self._cursor.execute(f"CREATE TYPE {types['status']} AS {STATUS_ENUM}")
        options = "CHARACTER SET utf8mb4" if self._backend == "mysql" else ""
        self._cursor.execute(CREATE_TABLE.format(table=self._name, options=options, **types))
        marks = ", ".join([database.placeholder] * 13)
        self._cursor.executemany(
            f"INSERT INTO {self._name} VALUES ({marks})",
            [[stored(self._backend, value) for value in astuple(task)] for task in self.tasks],
        )

    def find(self, where: Where) -> set[UUID]:
        """The ids of the rows for which the condition holds."""
        params = where.params
        if self._backend == "sqlite":
            params = params | {"now": stored("sqlite", self.now)}
        self._cursor.execute(f"SELECT id FROM {self._name} WHERE {where.sql}", params)
        return {id if isinstance(id, UUID) else UUID(bytes=bytes(id)) for (id,) in self._cursor}

    def explain(self, where: Where) -> str:
        """The database's plan, as text."""
        self._cursor.execute(f"EXPLAIN SELECT id FROM {self._name} WHERE {where.sql}", where.params)
        return str(list(self._cursor))

    def expected(self, wanted: Filter) -> set[UUID]:
        """The ids of the rows that the reference finds."""
        return {task.id for task in self.tasks if matches(wanted, task, self.now)}


@pytest.fixture(scope="module")
def tables(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Table]]:
    """Makes the table of a backend when it is first asked for; tests only read it."""
    with ExitStack() as opened:

        @cache
        def made(backend: str) -> Table:
            if backend == "sqlite":
                database = Database.in_file(tmp_path_factory.mktemp("where") / "tasq.db")
            else:
                url = external_url(backend) or request.getfixturevalue(f"_shared_{backend}").url
                database = Database(backend, url)
            opened.callback(database.close)
            return Table(database)

        yield made


@pytest.fixture
def table(tables: Callable[[str], Table], backend: str) -> Table:
    return tables(backend)


@pytest.fixture
def own_table(database: Database) -> Table:
    """One that a test may change, and its session."""
    return Table(database)


@pytest.fixture
def dialect(backend: str) -> WhereDialect:
    return DIALECTS[backend]


@pytest.fixture
def find(table: Table, dialect: WhereDialect) -> Callable[[str], set[UUID]]:
    """The ids that a filter text finds, checked against the reference."""

    def found(text: str) -> set[UUID]:
        ids = table.find(build(parse(text), dialect))
        assert ids == table.expected(parse(text))
        return ids

    return found


@pytest.mark.slow
def test_every_filter_finds_what_the_reference_finds(table: Table, dialect: WhereDialect) -> None:
    ids = [task.id.hex for task in table.tasks]
    times = [task.created_at for task in table.tasks] + [
        table.now.replace(hour=0, minute=0, second=0, microsecond=0)
    ]
    chosen = filters(
        named=st.sampled_from(NAMES) | st.sampled_from(PIECES),
        found=st.sampled_from(PIECES),
        needles=st.sampled_from(["bin", "BIN", "日", "%_", "\\", "'b\"", "to", "nothing"]),
        ids=st.builds(lambda id, size: id[:size], st.sampled_from(ids), st.integers(1, 32)),
        at=st.sampled_from(times),
        age=st.sampled_from([0, 3600, 7200, 86400, 604800]),
        counts=(-3, 4),
        max_terms=3,
    )

    @settings(max_examples=600, deadline=None)
    @given(chosen)
    def agrees(wanted: Filter) -> None:
        assert table.find(build(wanted, dialect)) == table.expected(wanted)

    agrees()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_byte_for_byte(
    find: Callable[[str], set[UUID]], table: Table, name: str
) -> None:
    wanted = str(Filter.of(types=(name,)))
    assert find(wanted) == {task.id for task in table.tasks if task.type == name}
    assert find(wanted)
    assert not find(wanted) & find(f"-{wanted}")
    assert find(wanted) | find(f"-{wanted}") == find("")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("error:connection", "Connection REFUSED at 100%"),
        ('error:"AT 100%"', "Connection REFUSED at 100%"),
        ("error:a_", "a_b"),
        (r'error:"back\\s"', "back\\slash"),
        ("error:*END", "x" * 5000 + "end"),
        ('error:"tail "', "tail "),
        ("error:日本*", "日本: error"),
        ("error:überlauf", "ÜBERLAUF: Größe"),
        ("error:ÜBER*", "überlauf"),
        ("error:*größe", "Überlauf der GRÖßE"),
        ("error:żółć", "ŻÓŁĆ"),
        ('error:"(ä.c)"', "x (Ä.C) y"),
    ],
)
def test_a_piece_of_an_error_is_found_as_written(
    find: Callable[[str], set[UUID]], table: Table, text: str, error: str
) -> None:
    assert find(text) >= {task.id for task in table.tasks if task.last_error == error} != set()


def test_a_negated_term_finds_rows_without_the_value(
    find: Callable[[str], set[UUID]], table: Table
) -> None:
    unfinished = {task.id for task in table.tasks if task.finished_at is None}
    assert unfinished
    assert find("-finished:<1w") >= unfinished
    assert find("-error:*") == {task.id for task in table.tasks if task.last_error is None}


def test_a_bare_word_of_hex_letters_is_looked_for_as_text_and_as_id(
    find: Callable[[str], set[UUID]], table: Table
) -> None:
    assert UUID("feedface-0000-4000-8000-000000000000") in find("feed")
    assert find("feed") > find("type:feed") != set()


@pytest.mark.parametrize(
    "state", ["ready", "delayed", "leased", "stale", "exhausted", "open", "finished"]
)
def test_every_state_is_found(find: Callable[[str], set[UUID]], state: str) -> None:
    assert find(f"is:{state}")
    assert find(f"is:{state}") | find(f"-is:{state}") == find("")


def test_an_absolute_bound_takes_its_own_instant_or_leaves_it_out(
    find: Callable[[str], set[UUID]], table: Table
) -> None:
    task = table.tasks[0]
    at = task.created_at.isoformat()
    assert task.id in find(f"created:>={at}") & find(f"created:<={at}") & find(
        f"created:{at}..{at}"
    )
    assert task.id not in find(f"created:>{at}") | find(f"created:<{at}")


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_an_age_is_exact_seconds_whatever_the_session_time_zone(own_table: Table) -> None:
    own_table._cursor.execute("SET timezone TO 'America/New_York'")
    for days in range(1, 400, 10):
        where = PostgresWhere().ago(86400 * days, str)
        own_table._cursor.execute(f"SELECT extract(epoch FROM statement_timestamp() - ({where}))")
        assert own_table._cursor.fetchone()[0] == 86400 * days


@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_the_zone_of_the_table_moves_its_clock_and_its_times(own_table: Table) -> None:
    def in_berlin(at: datetime) -> datetime:
        return (at + timedelta(hours=2)).replace(tzinfo=None)

    shifted = MySQLWhere("UTC_TIMESTAMP(6) + INTERVAL 120 MINUTE", in_berlin)
    for column in ("created_at", "started_at", "finished_at", "visible_at"):
        own_table._cursor.execute(
            f"UPDATE {own_table._name} SET {column} = {column} + INTERVAL 2 HOUR"
        )
    at = own_table.tasks[0].created_at.isoformat()
    for text in ("created:>2h", "is:ready", "is:leased", "started:<1d", f"created:>={at}"):
        assert (
            own_table.find(build(parse(text), shifted)) == own_table.expected(parse(text)) != set()
        )


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "utf8mb4 COLLATE utf8mb4_bin"])
@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_a_column_of_any_character_set_is_searched(
    own_table: Table, database: Database, charset: str
) -> None:
    name = database.table
    own_table._cursor.execute(
        f"DELETE FROM {name} WHERE BINARY type NOT IN ('send', 'Send', 'é', 'É')"
    )
    own_table._cursor.execute(f"UPDATE {name} SET queue = 'q', last_error = 'Größe'")
    own_table._cursor.execute(f"ALTER TABLE {name} CONVERT TO CHARACTER SET {charset}")
    assert len(own_table.find(build(parse("type:Send,é,日本"), MySQLWhere()))) == 2 * 3
    assert len(own_table.find(build(parse("type:S*,é*,日*"), MySQLWhere()))) == 2 * 3
    assert (
        len(own_table.find(build(parse("-type:日本 error:GRö -error:日 -日本"), MySQLWhere())))
        == 4 * 3
    )


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
def test_an_id_prefix_is_walked_along_the_primary_key(
    own_table: Table, dialect: WhereDialect, backend: str
) -> None:
    if backend == "postgres":
        own_table._cursor.execute("SET enable_seqscan = off")
    plan = own_table.explain(build(parse("id:0a1b"), dialect))
    assert "PRIMARY" in plan or "tasks_pkey" in plan


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@given(filters())
def test_values_never_stand_in_the_sql_text(dialect: WhereDialect, wanted: Filter) -> None:
    where = build(wanted, dialect)
    assert list(where.params) == [f"w{number}" for number in range(len(where.params))]
    assert re.fullmatch(r"[A-Za-z0-9_ ()<>=,':|%\[\]~+-]+", where.sql)
    written = re.sub(r"'(NEW|ENQUEUED|IN_PROGRESS|SUCCESSFUL|FAILED|\|)'", "", where.sql)
    assert "'" not in written
    assert "%" not in re.sub(r"%\(w[0-9]+\)s", "", written)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("", "1 = 1"),
        ("status:new status:failed", "1 = 0"),
        ("status:failed", "status = 'FAILED'"),
        ("status:open", "status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')"),
        ("-status:open", "status IN ('SUCCESSFUL', 'FAILED')"),
        ("is:open -status:new", "status IN ('ENQUEUED', 'IN_PROGRESS')"),
    ],
)
def test_statuses_are_one_list_of_literals_in_front(
    dialect: WhereDialect, text: str, sql: str
) -> None:
    assert build(parse(text), dialect) == Where(sql, {})
    if sql != "1 = 0":
        longer = build(parse(f"prio:1 {text}"), dialect).sql
        assert longer.startswith(sql if text else "priority")
