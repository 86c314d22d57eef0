"""How many rows a call of the repository makes the database look at, by its own account."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.support.connections import connect
from tests.support.databases import Database

OPEN = FINISHED = 200_000

NUMBERS = (
    "JSON_TABLE(CONCAT('[0', REPEAT(',0', {count} - 1), ']'), '$[*]' COLUMNS (n FOR ORDINALITY))"
)
"""1 to {count} on MariaDB and MySQL, which has no sequences."""

_KINDS = {
    "id": {"postgres": "md5('{lead}' || n)::uuid", "mysql": "UNHEX(LEFT(SHA2(CONCAT('{lead}', n), 224), 32))",
           "sqlite": "CAST('{lead}' || printf('%012d', n) AS BLOB)"},
    "type": {"postgres": "(ARRAY['email','report','sync','thumb'])[1 + n % 4]",
             "mysql": "ELT(1 + n % 4, 'email', 'report', 'sync', 'thumb')",
             "sqlite": "CASE n % 4 WHEN 0 THEN 'email' WHEN 1 THEN 'report' WHEN 2 THEN 'sync' ELSE 'thumb' END"},
    "queue": {"postgres": "(ARRAY['mail','bulk','other'])[1 + n % 3]",
              "mysql": "ELT(1 + n % 3, 'mail', 'bulk', 'other')",
              "sqlite": "CASE n % 3 WHEN 0 THEN 'mail' WHEN 1 THEN 'bulk' ELSE 'other' END"},
    "at": {"postgres": "'2026-01-01 00:00:00+00'::timestamptz + n * interval '1 second'",
           "mysql": "'2026-01-01' + INTERVAL n SECOND", "sqlite": "1767225600000000 + n * 1000000"},
    "ready": {"postgres": "'0001-01-01 00:00:00+00'", "mysql": "'0001-01-01'",
              "sqlite": "-62135596800000000"},
    "numbers": {"postgres": "generate_series(1, {count}) AS n",
                "mysql": f"{NUMBERS} AS numbers",
                "sqlite": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c"
                " WHERE n < {count}) SELECT n FROM c)"},
    "ended": {"postgres": "(CASE WHEN n % 5 = 0 THEN 'FAILED' ELSE 'SUCCESSFUL' END)::{enum}",
              "mysql": "IF(n % 5 = 0, 'FAILED', 'SUCCESSFUL')",
              "sqlite": "CASE WHEN n % 5 = 0 THEN 'FAILED' ELSE 'SUCCESSFUL' END"},
    "args": {"postgres": "'1'::bytea", "mysql": "'1'", "sqlite": "x'31'"},
}  # fmt: skip


def fill(database: Database) -> None:
    """Twelve kinds of open and of finished tasks, by one statement each, and fresh statistics."""
    say = {name: spelled[database.backend] for name, spelled in _KINDS.items()}
    enum = f"{database.prefix}_task_status"
    new = f"'NEW'::{enum}" if database.backend == "postgres" else "'NEW'"
    for lead, count, status, end in (
        ("open", OPEN, new, "NULL"),
        ("done", FINISHED, say["ended"].format(enum=enum), say["at"]),
    ):
        ended = f"CAST({end} AS timestamptz)" if database.backend == "postgres" else end
        database.execute(
            f"INSERT INTO {database.table} (id, type, args, queue, priority, status, created_at,"
            f" visible_at, finished_at) SELECT {say['id'].format(lead=lead)}, {say['type']},"
            f" {say['args']}, {say['queue']}, n % 7, {status}, {say['at']}, {say['ready']}, {ended}"
            f" FROM {say['numbers'].format(count=count)}"
        )
    if database.backend != "sqlite":  # the servers do this by themselves; nobody does it there
        table = database.table
        database.execute(f"ANALYZE TABLE {table}" if database.backend == "mysql" else "ANALYZE")


def delay(database: Database, queue: str, count: int = 20_000) -> None:
    """So many old tasks of type "email" that are visible in an hour, a third of them leased."""
    say = {name: spelled[database.backend] for name, spelled in _KINDS.items()}
    later = {
        "postgres": "now() + interval '1 hour'", "mysql": "UTC_TIMESTAMP(6) + INTERVAL 1 HOUR",
        "sqlite": "(unixepoch() + 3600) * 1000000",
    }[database.backend]  # fmt: skip
    status = "CASE n % 3 WHEN 0 THEN 'ENQUEUED' ELSE 'NEW' END"
    if database.backend == "postgres":
        status = f"({status})::{database.prefix}_task_status"
    lead = f"{hash(queue) % 10_000:04}"
    database.execute(
        f"INSERT INTO {database.table} (id, type, args, queue, priority, status, created_at,"
        f" visible_at) SELECT {say['id'].format(lead=lead)}, 'email', {say['args']}, '{queue}',"
        f" 9, {status}, {say['at']}, {later} FROM {say['numbers'].format(count=count)}"
    )


class _Recorder:
    """Stands before a driver and notes each statement it runs."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.statements: list[tuple[str, dict[str, object]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def read(self, response_timeout: float | None = None) -> AbstractContextManager[Any]:
        return self._recording(self._driver.read, response_timeout)

    def write(self, response_timeout: float | None = None) -> AbstractContextManager[Any]:
        return self._recording(self._driver.write, response_timeout)

    def transaction(self, response_timeout: float | None = None) -> AbstractContextManager[Any]:
        return self._recording(self._driver.transaction, response_timeout)

    def claim(self, response_timeout: float | None = None) -> AbstractContextManager[Any]:
        return self._recording(self._driver.claim, response_timeout)

    @contextmanager
    def _recording(
        self, opened: Callable[..., Any], response_timeout: float | None
    ) -> Iterator[Any]:
        with opened(response_timeout) as session:
            yield _Session(session, self.statements)


class _Session:
    def __init__(self, session: Any, statements: list[tuple[str, dict[str, object]]]) -> None:
        self._session = session
        self._statements = statements
        self.raw = session.raw

    def rows(self, sql: str, params: Any) -> Any:
        self._statements.append((sql, params))
        return self._session.rows(sql, params)

    def change(self, sql: str, params: Any) -> Any:
        self._statements.append((sql, params))
        return self._session.change(sql, params)

    def uncommitted(self, sql: str, params: Any) -> Any:
        self._statements.append((sql, params))
        return self._session.uncommitted(sql, params)


def work_of(database: Database, repository: Any, call: Callable[[Any], object]) -> int:
    """The rows looked at by the statements of `call`; on SQLite, a twentieth of its VM's steps."""
    driver = repository._driver
    if database.backend == "sqlite":
        return _sqlite_work(driver, lambda: call(repository))
    recorder = _Recorder(driver)
    repository._driver = recorder
    try:
        call(repository)
    finally:
        repository._driver = driver
    explain = _postgres_rows if database.backend == "postgres" else _mysql_rows
    return sum(explain(database, *statement) for statement in recorder.statements)


def _sqlite_work(driver: Any, call: Callable[[], object]) -> int:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connections = [driver._writing().raw, driver._reading().raw]
    for connection in connections:
        connection.set_progress_handler(count, 100)
    try:
        call()
    finally:
        for connection in connections:
            connection.set_progress_handler(None, 0)
    return steps * 100 // 20


def new_connection(database: Database) -> Any:
    """A connection that this module closes itself."""
    return connect(database.backend, database.url, False)


def _postgres_rows(database: Database, sql: str, params: Any) -> int:
    connection = new_connection(database)
    try:
        plan = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params).fetchone()[0]
    finally:
        connection.rollback()
        connection.close()
    return sum(map(_postgres_node, _nodes(plan)))


def _postgres_node(node: dict[str, Any]) -> int:
    if "Relation Name" not in node and node.get("Node Type") != "Sort":
        return 0
    each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int((each + node.get("Rows Removed by Index Recheck", 0)) * node["Actual Loops"])


def _mysql_rows(database: Database, sql: str, params: Any) -> int:
    if not sql.lstrip("(").startswith(("SELECT", "UPDATE", "DELETE")) or "LOCK(" in sql:
        return 0
    connection = new_connection(database)
    try:
        cursor = connection.cursor()
        if "MariaDB" not in connection.get_server_info():
            return _handler_reads(cursor, sql, params)
        cursor.execute(f"ANALYZE FORMAT=JSON {sql}", dict(params))
        plan = json.loads(cursor.fetchone()[0])
    finally:
        connection.rollback()
        connection.close()
    rows = 0.0
    for node in _nodes(plan):
        if "access_type" in node and not str(node.get("table_name", "")).startswith("<"):
            rows += float(node.get("r_rows") or 0) * float(node.get("r_loops") or 1)
    return int(rows)


def _handler_reads(cursor: Any, sql: str, params: Any) -> int:
    """MySQL analyses no UPDATE of one table, so its counters are asked.

    They also count temporary tables' rows, each of which was written before.
    """
    before = _handler_counts(cursor)
    cursor.execute(sql, dict(params))
    cursor.fetchall()
    after = _handler_counts(cursor)
    return sum(
        (after[name] - before[name]) * (-1 if name == "Handler_write" else 1)
        for name in after
        if name == "Handler_write" or name.startswith("Handler_read_")
    )


def _handler_counts(cursor: Any) -> dict[str, int]:
    cursor.execute("SHOW SESSION STATUS LIKE 'Handler\\_%'")
    return {name: int(count) for name, count in cursor.fetchall()}


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, dict):
        yield plan
    for part in plan.values() if isinstance(plan, dict) else plan:
        if isinstance(part, dict | list):
            yield from _nodes(part)
