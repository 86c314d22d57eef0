"""Databases in other encodings than UTF-8: text survives, or the refusal names the encoding."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

import tasq_core
from tasq_core import Lease, RepositoryError, TaskStatus
from tasq_core.filters import Filter
from tasq_core.reports import Outcome, Swap
from tasq_core.repository.protocol import PageOrder
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.wait import wait_until

KANJI = "\u65e5\u672c"
POSTGRES = {
    "SQL_ASCII": "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    "LATIN1": "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    "EUC_JP": "ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
}
CHARSETS = [*POSTGRES, "latin1", "utf8mb3"]


@pytest.fixture
def encoding(request: pytest.FixtureRequest) -> str:
    """What the database is in."""
    return str(request.param)


@pytest.fixture
def backend(encoding: str) -> str:
    """The kind of server that has this encoding."""
    return "postgres" if encoding in POSTGRES else "mysql"


@pytest.fixture
def foreign(database: Database, encoding: str) -> Iterator[Database]:
    """A new, empty database in `encoding`."""
    name = f"tasq_{secrets.token_hex(6)}"
    how = POSTGRES.get(encoding) or f"CHARACTER SET {encoding}"
    database.execute(f"CREATE DATABASE {name} {how}")
    found = Database(database.backend, f"{database.url.rpartition('/')[0]}/{name}")
    yield found
    found.close_connections()
    force = " WITH (FORCE)" if database.backend == "postgres" else ""
    database.execute(f"DROP DATABASE {name}{force}")


def go_table(foreign: Database) -> None:
    """Go's table takes the character set of its database; ours names its own on MySQL."""
    foreign.open().migrate()
    if foreign.backend == "mysql":
        charset = foreign.execute("SELECT @@character_set_database")[0][0]
        foreign.execute(f"ALTER TABLE {foreign.table} CONVERT TO CHARACTER SET {charset}")


def holds(encoding: str, text: str) -> bool:
    codec = {"SQL_ASCII": "utf-8", "utf8mb3": "utf-8"}.get(encoding, encoding)
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return encoding != "utf8mb3" or max(text) <= "\uffff"


everywhere = pytest.mark.parametrize("encoding", CHARSETS, indirect=True)


@pytest.mark.slow
@everywhere
def test_a_consumer_runs_and_records_failures_in_any_letters(foreign: Database, encoding: str):
    """No task ever ran; or one error text ended the consumer, or was stored as question marks."""
    go_table(foreign)
    text = f"caf\u00e9 {KANJI} \U0001f600"
    with foreign.client() as client:
        consumer = client.new_consumer(poll_interval=0.1, visibility_timeout=5)

        @consumer.handler("fails")
        def fails(task: tasq_core.Task) -> None:
            raise ValueError(text)

        @consumer.handler("works")
        def works(task: tasq_core.Task) -> None:
            pass

        producer = client.new_producer()
        failing = [producer.submit("fails", {"a": KANJI}, max_receives=1) for _ in range(3)]
        fine = producer.submit("works", {"a": KANJI})
        running = threading.Thread(target=lambda: consumer.run(workers=2), daemon=True)
        running.start()
        ids = [task.id for task in (*failing, fine)]
        get = client.repository.get_tasks
        try:
            wait_until(lambda: all(task.finished_at for task in get(ids)), 20)
        finally:
            consumer.stop(5)
            running.join(30)
        *ended, good = client.repository.get_tasks(ids)
        assert good.status is TaskStatus.SUCCESSFUL
        assert good.unmarshal_args() == {"a": KANJI}
        for task in ended:
            assert task.status is TaskStatus.FAILED
            error = task.last_error or ""
            assert error.startswith("ValueError: caf\u00e9 " if holds(encoding, "\u00e9") else "V")
            assert (KANJI in error) is holds(encoding, KANJI)
            assert (r"\u65e5" in error) is not holds(encoding, KANJI)
            assert ("\U0001f600" in error) is holds(encoding, "\U0001f600")
            assert "?" not in error


@everywhere
def test_names_are_stored_as_they_are_or_refused(foreign: Database, encoding: str):
    """A type stored otherwise than submitted never runs."""
    go_table(foreign)
    repository = foreign.open()
    for text in ("caf\u00e9", KANJI, "\U0001f600"):
        task = make_task(type=text, queue=text)
        submits = (
            lambda task=task: repository.submit_task(task),
            lambda task=task: repository.submit_tasks([task]),
        )
        for submit in submits:
            if not holds(encoding, text):
                with pytest.raises(
                    RepositoryError, match=encoding if encoding.isupper() else "utf8mb4"
                ):
                    submit()
                continue
            submit()
            assert [t.type for t in repository.poll_tasks(text, text, 30)] == [text]
            repository.delete_tasks([task.id], False)
    assert repository.count_tasks(None, None, None) == 0
    assert foreign.execute(f"SELECT count(*) FROM {foreign.table}")[0][0] == 0


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"], indirect=True)
def test_a_connection_of_the_callers_is_used_as_it_comes(foreign: Database, encoding: str):
    """psycopg gives bytes for text over one of them, and can't send every text over the other."""
    import psycopg

    with closing(psycopg.connect(foreign.url, autocommit=True, client_encoding=encoding)) as own:
        repository = tasq_core.PostgresRepository(own, foreign.prefix)
        repository.migrate()
        repository.migrate()
        repository.submit_task(make_task(type="caf\u00e9", queue="q"))
        (task,) = repository.poll_tasks("caf\u00e9", "q", 30)
        assert (task.type, task.queue) == ("caf\u00e9", "q")
        text = repository.register_error(task, f"no {KANJI}").last_error
        assert text == (f"no {KANJI}" if encoding == "SQL_ASCII" else r"no \u65e5\u672c")
        if encoding == "LATIN1":
            for submit in (repository.submit_task, lambda task: repository.submit_tasks([task])):
                with pytest.raises(RepositoryError, match="client_encoding is LATIN1"):
                    submit(make_task(type=KANJI))


@pytest.mark.parametrize("encoding", ["utf16", "ucs2"], indirect=True)
def test_leases_and_outcomes_are_found_in_a_database_of_wide_characters(foreign: Database):
    """Each task ran until its attempts were used up: no outcome, ping or release found its row."""
    with foreign.client() as client:
        client.migrate()
        repository, producer = client.repository, client.new_producer()
        for type in ("works", "fails"):
            producer.submit(type, None, max_receives=1)
        consumer = client.new_consumer()
        consumer.learn("works", lambda _: None)
        consumer.learn("fails", lambda _: 1 / 0)
        running = threading.Thread(target=lambda: consumer.run(workers=2), daemon=True)
        running.start()
        try:
            wait_until(lambda: sum(repository.finished_counts().values()) == 2, 10)
        finally:
            consumer.stop(5)
            running.join(30)
        ended = {task.type: task for task in repository.page(Filter(), PageOrder.NEWEST, None, 9)}
        assert ended["works"].status is TaskStatus.SUCCESSFUL
        assert ended["fails"].status is TaskStatus.FAILED
        assert len(client.new_inspector().attempts(ended["fails"].id)) == 1

        for type in ("started", "deleted", "released"):
            repository.submit_task(make_task(type=type, queue="q"))
            (task,) = repository.poll_tasks(type, "q", 30)
            lease = Lease.of(task)
            assert repository.ping_leases([lease], 60) == repository.live_leases([lease]) == {lease}
            if type == "released":
                assert repository.release_leases([lease]) == {lease}
            else:
                status = TaskStatus.SUCCESSFUL if type == "deleted" else TaskStatus.IN_PROGRESS
                outcome = Outcome(lease, status, delete=type == "deleted")
                assert repository.record_outcomes([outcome]) == {lease}
        other = replace(task, status=TaskStatus.NEW, receive_count=0, args=b"\x00\xff", queue=KANJI)
        (seen,) = repository.get_tasks([task.id])
        assert repository.swap_tasks([Swap(seen, other)]) == {task.id}
        (now,) = repository.get_tasks([task.id])
        assert (now.args, now.queue, now.visible_at) == (b"\x00\xff", KANJI, other.visible_at)
