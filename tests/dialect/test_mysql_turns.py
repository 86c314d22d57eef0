"""Claims on MySQL that take turns, and what undoes one of them."""

from typing import Any

import pymysql
import pytest

from tasq_core import TaskStatus
from tasq_core.repository.mysql import MySQLRepository
from tasq_core.repository.mysql_session import MySQLSession
from tests.support.builders import make_tasks

pytestmark = pytest.mark.parametrize("backend", ["mysql"], indirect=True)

DEADLOCK = 1213


@pytest.mark.parametrize("statement", ["GET_LOCK", "RELEASE_LOCK"])
def test_a_claim_that_another_node_undid_is_not_given_out(
    repository: MySQLRepository, monkeypatch: pytest.MonkeyPatch, statement: str
):
    """Two Galera nodes gave out 500 tasks twice: the end of the turn swallowed the error."""
    repository.submit_tasks(make_tasks(5))
    repository._claims_of_table._crowded_until = float("inf")
    undone: list[str] = []

    def rows(session: MySQLSession, sql: str, params: dict[str, Any]) -> Any:
        if statement in sql and not undone:
            undone.append(sql)
            session.raw.rollback()
            raise pymysql.OperationalError(DEADLOCK, "Deadlock found when trying to get lock")
        return ask(session, sql, params)

    ask = MySQLSession.rows
    monkeypatch.setattr(MySQLSession, "rows", rows)
    claimed = repository.poll_tasks(["email"], ["mail"], 30.0, limit=5)

    assert undone
    assert len(claimed) == 5
    stored = repository.scan_tasks(None, None, None)
    assert {(task.status, task.receive_count) for task in stored} == {(TaskStatus.ENQUEUED, 1)}


def test_a_claim_goes_on_where_turns_cannot_be_had(
    repository: MySQLRepository, monkeypatch: pytest.MonkeyPatch
):
    repository.submit_tasks(make_tasks(5))
    repository._claims_of_table._crowded_until = float("inf")
    asked: list[str] = []

    def rows(session: MySQLSession, sql: str, params: dict[str, Any]) -> Any:
        if "_LOCK" in sql:
            asked.append(sql)
            raise pymysql.NotSupportedError(1235, "not supported here")
        return ask(session, sql, params)

    ask = MySQLSession.rows
    monkeypatch.setattr(MySQLSession, "rows", rows)

    assert len(repository.poll_tasks(["email"], ["mail"], 30.0, limit=5)) == 5
    assert len(asked) == 1, "what was never begun is not ended"
