"""What a claim on MySQL and MariaDB locks, beside other claims and a consumer of Go's."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tasq_core import Ordering, Repository, Task
from tasq_core.repository.claiming import Pair
from tasq_core.repository.mysql import MySQLRepository
from tasq_core.repository.mysql_claim import MySQLClaims
from tasq_core.repository.mysql_session import MySQLSession
from tests.support.builders import make_tasks
from tests.support.databases import Database
from tests.support.wait import wait_until

pytestmark = pytest.mark.parametrize("backend", ["mysql"], indirect=True)

MAIL: Pair = ("mail", "email")


def claim(
    repository: Repository,
    limit: int,
    within: Callable[[], Any] = lambda: None,
    pairs: Sequence[Pair] = (MAIL,),
    claims: MySQLClaims | None = None,
) -> list[Task]:
    """A claim; `within` is called once, while its transaction is open and its tasks leased."""
    assert isinstance(repository, MySQLRepository)
    called: list[object] = []

    def work(session: Any) -> list[Task]:
        found = prepared(session).tasks
        if not called:
            called.append(within())
        return found

    claims = claims or claims_of(repository)
    search = claims.candidates.among(pairs, Ordering.CREATED_AT_FIRST, limit)
    prepared = claims.prepare(search, 30, limit, turn_timeout=0.1)
    return repository._run(work, "claim")


def claims_of(repository: Repository) -> MySQLClaims:
    assert isinstance(repository, MySQLRepository)
    facts = repository._look()
    return MySQLClaims(repository._sql, repository._rows, facts, repository._task)


def ids(tasks: Sequence[Task]) -> set[object]:
    return {task.id for task in tasks}


@pytest.mark.parametrize("pairs", [[MAIL], [MAIL, ("bulk", "email")]], ids=["one", "several"])
def test_a_claim_locks_the_rows_of_its_tasks_and_nothing_else(
    repository: Repository, database: Database, pairs: list[Pair]
):
    """A lock on an index entry is what Go's poll lost deadlocks to.

    Those of tasks that weren't taken kept other consumers from them.
    """
    repository.submit_tasks(make_tasks(40))
    repository.submit_tasks(make_tasks(40, queue="bulk"))
    locked: list[int] = []

    def look() -> None:
        driver: Any = repository._driver  # type: ignore[attr-defined]
        (own,) = driver._pool.in_use()
        sql = "SELECT trx_rows_locked FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %s AND trx_rows_locked > 0"
        # InnoDB shows the same again to who asks within 0.1 s of others.
        locked.extend(wait_until(lambda: database.execute(sql, [own.thread_id()]), interval=0.3)[0])

    assert len(claim(repository, 10, look, pairs)) == 10
    assert locked == [10]


def test_a_claim_beside_an_open_one_takes_the_next_tasks_in_order(
    repository: Repository, database: Database
):
    """A consumer whose claim came up short would wait for its poll interval, beside a backlog."""
    tasks = make_tasks(60)
    repository.submit_tasks(tasks)
    ordered = sorted(tasks, key=lambda task: (task.created_at, -task.priority, task.id))
    other = database.open()
    second: list[Task] = []
    first = claim(repository, 20, lambda: second.extend(claim(other, 20)))
    assert ids(first) == ids(ordered[:20])
    assert ids(second) == ids(ordered[20:40])


def test_a_claim_passes_what_others_have_locked(repository: Repository, database: Database):
    """Whoever holds the first tasks, say Go's poll, those behind them are claimed at once."""
    repository.submit_tasks(make_tasks(100))
    oldest = f"SELECT id FROM {database.table} ORDER BY created_at, priority DESC, id LIMIT 50"
    held = [id for (id,) in database.execute(oldest)]
    theirs = database.connect()
    with theirs.cursor() as cursor:
        for id in held:  # a list of them would be a scan, which locks all
            cursor.execute(f"SELECT 1 FROM {database.table} WHERE id = %s FOR UPDATE", [id])
    claimed = claim(repository, 20)
    assert len(claimed) >= 10
    assert not {task.id.bytes for task in claimed} & set(held)
    theirs.rollback()


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The advisory locks that sessions of this process asked for and gave back."""
    asked: list[str] = []
    rows = MySQLSession.rows

    def noting(session: MySQLSession, sql: str, params: Any) -> Any:
        if "_LOCK(" in sql:
            asked.append(sql.partition("(")[0].removeprefix("SELECT "))
        return rows(session, sql, params)

    monkeypatch.setattr(MySQLSession, "rows", noting)
    return asked


def crowded(repository: Repository, database: Database) -> MySQLClaims:
    """Claims that have just met tasks which another transaction holds, of 100."""
    repository.submit_tasks(make_tasks(100))
    claims = claims_of(repository)
    theirs = database.connect()
    theirs.cursor().execute(f"SELECT 1 FROM {database.table} FOR UPDATE")
    assert not claim(repository, 5, claims=claims)
    theirs.rollback()
    return claims


def turn_of(repository: Repository, database: Database) -> str:
    assert isinstance(repository, MySQLRepository)
    whose = json.dumps([repository._facts.table, *MAIL])
    name = "SELECT CONCAT('tasq claim ', LEFT(SHA2(CONCAT_WS('.', DATABASE(), %s), 224), 40))"
    return str(database.execute(name, [whose])[0][0])


def test_claims_that_met_others_take_turns_and_no_other_does(
    repository: Repository, database: Database, locks: list[str]
):
    """Several processes would look for the same tasks, and do less than one."""
    met = crowded(repository, database)
    assert not locks
    assert len(claim(repository, 5, claims=met)) == 5
    assert locks == ["GET_LOCK", "RELEASE_LOCK"]
    assert len(claim(repository, 5)) == 5
    assert len(locks) == 2


def test_a_turn_that_never_ends_is_waited_for_once(
    repository: Repository, database: Database, locks: list[str]
):
    """A process that is stopped in the middle of its claim, or cut off, stops nobody else."""
    met = crowded(repository, database)
    name = turn_of(repository, database)
    assert database.execute("SELECT GET_LOCK(%s, 0)", [name]) == [(1,)]
    assert len(claim(repository, 5, claims=met)) == 5
    assert len(claim(repository, 5, claims=met)) == 5
    assert locks == ["GET_LOCK"]
    assert database.execute("SELECT RELEASE_LOCK(%s)", [name]) == [(1,)]


def test_a_claim_that_fails_ends_its_turn(repository: Repository, database: Database):
    """Its connection goes back to the pool, and would keep everybody else's turn."""
    met = crowded(repository, database)

    def fail(row: Any) -> Task:
        raise ZeroDivisionError

    met._task = fail
    with pytest.raises(ZeroDivisionError):
        claim(repository, 5, claims=met)
    held = database.execute("SELECT IS_USED_LOCK(%s)", [turn_of(repository, database)])
    assert held == [(None,)]


def test_a_claim_of_lapsed_tasks_keeps_nobody_from_writing_to_those_it_skips(
    repository: Repository, database: Database
):
    """Go's start of a task whose lease just lapsed waited for it, and died of the deadlock."""
    repository.submit_tasks(make_tasks(10))
    tasks = repository.poll_tasks("email", "mail", 0.1, limit=10)
    wait_until(lambda: repository.now() > tasks[0].visible_at)
    held = tasks[0].id.bytes
    theirs = database.connect()
    cursor = theirs.cursor()
    cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
    cursor.execute(f"SELECT id FROM {database.table} WHERE id = %s FOR UPDATE", [held])
    written: list[int] = []

    def start() -> None:
        changed = f"UPDATE {database.table} SET status = 'IN_PROGRESS' WHERE id = %s"
        written.append(cursor.execute(changed, [held]))

    found = claim(repository, 20, start)
    theirs.rollback()
    assert ids(found) == ids(tasks[1:])
    assert written == [1]
