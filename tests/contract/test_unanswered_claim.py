"""A claim is whole or it isn't: interrupted, not committed, or in doubt and then released."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tasq_core import ClaimUnansweredError, Repository, TaskStatus
from tasq_core.repository import open_repository
from tests.support.builders import make_tasks
from tests.support.databases import Database
from tests.support.standby import wait_for_standbys
from tests.support.wait import wait_until


@contextmanager
def stalled_commits(database: Database) -> Iterator[Callable[[], None]]:
    """Commits get no answer until the function is called: a standby is gone, or a backup runs."""
    server: Any = database.server
    if database.backend == "postgres":
        wait_for_standbys(server, "gone")

        def end() -> None:
            wait_for_standbys(server, "")

    else:
        backup = database.connect().cursor()
        for stage in ("START", "FLUSH", "BLOCK_DDL", "BLOCK_COMMIT"):
            backup.execute(f"BACKUP STAGE {stage}")

        def end() -> None:
            backup.execute("BACKUP STAGE END")

    ended: list[bool] = []

    def end_once() -> None:
        if not ended:
            ended.append(True)
            end()

    try:
        yield end_once
    finally:
        end_once()


@pytest.fixture
def shaky(private_database: Database) -> Iterator[Repository]:
    """A table on a server whose commits may be stalled."""
    repository = open_repository(private_database.url, private_database.prefix)
    repository.migrate()
    yield repository
    repository.close()


def receives(repository: Repository) -> set[tuple[TaskStatus, int]]:
    rows = repository.scan_tasks(None, None, None, limit=100)
    return {(row.status, row.receive_count) for row in rows}


def test_a_stalled_claim_says_what_it_may_hold_and_releasing_that_uses_up_no_receive(
    shaky: Repository, private_database: Database
):
    """A batch of tasks with max_receives=1 ended FAILED without a run, one after the other."""
    shaky.submit_tasks(make_tasks(20, max_receives=1))
    view = shaky.with_response_timeout(1)
    with stalled_commits(private_database) as end:
        with pytest.raises(ClaimUnansweredError, match="a claim of 5 tasks") as caught:
            view.poll_tasks("email", "mail", 30, limit=5)
        assert len(caught.value.leases) == 5
        releasing = threading.Thread(target=shaky.release_leases, args=(caught.value.leases,))
        releasing.start()  # it may have to wait for the claim's own end
        end()
        releasing.join(20)
        assert not releasing.is_alive()
    wait_until(lambda: receives(shaky) == {(TaskStatus.NEW, 0)})
    assert len(shaky.poll_tasks("email", "mail", 30, limit=100)) == 20


def test_a_claim_that_was_never_sent_whole_claims_nothing(
    shaky: Repository, private_database: Database
):
    """A server that dies before the commit has claimed nothing: the call is made again."""
    server: Any = private_database.server
    shaky.submit_tasks(make_tasks(3, max_receives=1))
    server.kill()
    server.start()
    assert len(shaky.poll_tasks("email", "mail", 30)) == 3
    assert receives(shaky) == {(TaskStatus.ENQUEUED, 1)}


def test_a_claim_that_is_interrupted_before_it_commits_claims_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """Ctrl+C, or a defect, between the rows and the commit: nobody would run what was claimed."""
    repository.submit_tasks(make_tasks(5, max_receives=1))
    rows = repository._rows  # type: ignore[attr-defined]
    whole, seen = rows.task, []

    def torn(row: Any) -> Any:
        seen.append(row)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return whole(row)

    monkeypatch.setattr(rows, "task", torn, raising=False)
    with pytest.raises(KeyboardInterrupt):
        repository.poll_tasks("email", "mail", 30)
    monkeypatch.undo()
    assert receives(repository) == {(TaskStatus.NEW, 0)}
    assert len(repository.poll_tasks("email", "mail", 30)) == 5


def test_a_claim_reaches_its_caller_though_an_odd_row_cannot_be_set_aside(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """What was claimed and isn't returned is run by nobody, and has used up a receive."""
    from tasq_core import RepositoryError

    repository.submit_tasks(make_tasks(5, max_receives=1))
    rows = repository._rows  # type: ignore[attr-defined]
    whole, seen = rows.task, []

    def odd(row: Any) -> Any:
        seen.append(row)
        if len(seen) == 3:
            raise ValueError("an odd row")
        return whole(row)

    def refuse(tasks: Any) -> None:
        raise RepositoryError("the server is away")

    monkeypatch.setattr(rows, "task", odd, raising=False)
    monkeypatch.setattr(repository, "_set_aside", refuse)
    assert len(repository.poll_tasks("email", "mail", 30)) == 4
