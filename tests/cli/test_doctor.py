"""The doctor finds what is broken, not only what is absent; an operator who is told "healthy" of a
table without its primary key stores every idempotent submit twice."""

import json

import pytest

from tests.support.databases import BACKENDS


@pytest.fixture(params=BACKENDS)
def backend(request):
    """What can be damaged differs by database."""
    return request.param


def _found(tasq, *options):
    done = tasq("doctor", "--json", *options)
    return done, [finding for finding in json.loads(done.out) if finding["verdict"] != "ok"]


def _drop_key(database):
    table = database.table
    if database.backend == "sqlite":
        sql = database.execute(f"SELECT sql FROM sqlite_master WHERE name = '{table}'")[0][0]
        database.execute(f"DROP TABLE {table}")
        database.execute(sql.replace("PRIMARY KEY", ""))
    elif database.backend == "postgres":
        database.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{table}_pkey"')
    else:
        database.execute(f"ALTER TABLE {table} DROP PRIMARY KEY")


def _index_on_other_columns(database):
    name, table = f"{database.table}_tasq_finished", database.table
    database.execute(f"DROP INDEX {name}" + (f" ON {table}" if database.backend == "mysql" else ""))
    database.execute(f"CREATE INDEX {name} ON {table} (started_at)")


def _index_on_other_rows(database):
    name, table = f"{database.table}_tasq_ready_created", database.table
    database.execute(f"DROP INDEX {name}")
    database.execute(
        f"CREATE INDEX {name} ON {table} (queue, type, created_at, priority DESC)"
        " WHERE status = 'FAILED'"
    )


def _status_as_text(database):
    if database.backend == "postgres":
        for (name,) in database.execute(
            f"SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = '{database.table}'"
            "::regclass AND NOT indisprimary"
        ):
            database.execute(f"DROP INDEX {name}")
        database.execute(f"ALTER TABLE {database.table} ALTER COLUMN status TYPE text")
    else:
        database.execute(f"ALTER TABLE {database.table} MODIFY status varchar(20) NOT NULL")


def _extra_column(database):
    database.execute(f"ALTER TABLE {database.table} ADD COLUMN mistake integer")


def _latin1(database):
    database.execute(f"ALTER TABLE {database.table} CONVERT TO CHARACTER SET latin1")


def _trigger_off(database):
    name = f"{database.table}_tasq_notify"
    database.execute(f'ALTER TABLE {database.table} DISABLE TRIGGER "{name}"')


def _trigger_elsewhere(database):
    name, other = f"{database.table}_tasq_notify", f"{database.prefix}_other"
    database.execute(
        f'CREATE FUNCTION "{other}"() RETURNS trigger LANGUAGE plpgsql AS'
        " $$ BEGIN RETURN NULL; END $$"
    )
    database.execute(f'DROP TRIGGER "{name}" ON {database.table}')
    database.execute(
        f'CREATE TRIGGER "{name}" AFTER INSERT ON {database.table}'
        f' FOR EACH STATEMENT EXECUTE FUNCTION "{other}"()'
    )


DAMAGES = [
    (_drop_key, BACKENDS, "problem", "primary key on id is missing", "id"),
    (_index_on_other_columns, BACKENDS, "warning", "_finished is on other columns", "INDEX"),
    (
        _index_on_other_rows,
        ("sqlite", "postgres"),
        "warning",
        "_ready_created is on other",
        "WHERE",
    ),
    (_status_as_text, ("postgres", "mysql"), "problem", "column status is", "column"),
    (_extra_column, BACKENDS, "warning", "column mistake isn't tasq's: Go programs fail", "table"),
    (_latin1, ("mysql",), "warning", "can't hold every text", "utf8mb4"),
    (_trigger_off, ("postgres",), "warning", "is disabled", "ENABLE TRIGGER"),
    (_trigger_elsewhere, ("postgres",), "warning", "isn't tasq's", "DROP TRIGGER"),
]


@pytest.mark.parametrize(
    ("damage", "backend", "verdict", "message", "remedy"),
    [
        pytest.param(damage, backend, *rest, id=f"{damage.__name__.strip('_')}-{backend}")
        for damage, backends, *rest in DAMAGES
        for backend in backends
    ],
    indirect=["backend"],
)
def test_each_damage_is_found_with_its_remedy(  # noqa: PLR0917 - its parameters
    tasq, database, damage, verdict, message, remedy
):
    tasq("migrate", *(["--notify"] if database.backend == "postgres" else []))
    assert _found(tasq)[0].code == 0
    damage(database)

    done, found = _found(tasq)

    told = [one for one in found if message in one["message"]]
    assert [one["verdict"] for one in told] == [verdict], found
    assert remedy in told[0]["remedy"]
    assert done.code == (1 if verdict == "problem" else 0)
    assert _found(tasq, "--strict")[0].code == (1 if verdict == "problem" else 8)


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_remedies_and_plans_never_lock_writers_out(tasq, database):
    """A plain CREATE INDEX on a table in use stops every producer until it is built."""
    tasq("migrate")
    database.execute(f"DROP INDEX {database.table}_tasq_status")

    assert "CREATE INDEX CONCURRENTLY" in tasq("migrate", "--plan").out
    assert "CREATE INDEX CONCURRENTLY" in tasq("doctor").out


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_prefix_in_other_case_makes_no_second_table(tasq, database):
    """`Billing` beside `billing` was a second, empty table: nothing was consumed."""
    tasq("migrate")
    upper = database.prefix.upper()

    done = tasq("migrate", "--prefix", upper)

    assert done.code == 2
    assert f"--prefix {database.prefix}" in done.err
    assert f"--prefix {database.prefix}" in tasq("doctor", "--prefix", upper).out
    assert tasq("migrate", "--prefix", upper, "--new").code == 0
    for table in ("tasks", "tasq_consumers", "tasq_pauses", "tasq_attempts", "tasq_schedules"):
        database.execute(f'DROP TABLE "{upper}_{table}" CASCADE')


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_producers_rights_are_enough_for_a_producer(tasq, database):
    tasq("migrate")
    role = f"producer_{database.prefix}"
    database.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    database.execute(f"GRANT INSERT ON {database.table} TO {role}")
    scheme, _, rest = database.url.partition("://")
    url = f"{scheme}://{role}:x@{rest.rpartition('@')[2]}"
    try:
        done, found = _found(tasq, "--url", url)
    finally:
        database.execute(f"DROP OWNED BY {role}")
        database.execute(f"DROP ROLE {role}")

    assert done.code == 0, found
    assert any("enough for a producer" in one["message"] for one in found)
