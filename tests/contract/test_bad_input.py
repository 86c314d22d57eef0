"""Bad input: a TasqError that names it, the reason and the fix; nothing written, no secret."""

import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import pytest

import tasq_core
from tasq_core import (
    ArgsEncodeError,
    Client,
    InvalidInputError,
    InvalidTypeError,
    ReadOnlyError,
    RepositoryError,
    RepositoryUnavailableError,
    TableMissingError,
    TaskNotFoundError,
    TasqError,
    open_repository,
)
from tests.support.builders import make_task
from tests.support.databases import Database

SECRET = "s3cr3t-p4ss"
on_servers = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)


def count(url: str, prefix: str = "", **options: Any) -> int:
    with tasq_core.connect(url, prefix=prefix, **options) as client:
        return client.new_inspector().count()


def refused(call: Callable[[], object], kind: type[TasqError] = TasqError) -> str:
    """What the error says; nothing it or its causes print holds the secret."""
    with pytest.raises(kind) as caught:
        call()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert SECRET not in shown
    return str(caught.value)


def test_a_file_that_is_no_database_is_named_as_one(tmp_path: Any):
    """ "file is not a database" left open which file, and what to do."""
    junk = tmp_path / "notes.txt"
    junk.write_text("not a database\n" * 1000)

    assert f"{junk} isn't a SQLite database" in refused(lambda: count(f"sqlite:///{junk}"))


# -- where to connect ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("oracle://u:s3cr3t-p4ss@h/d", "use postgresql, mysql, mariadb or sqlite"),
        ("redis://:s3cr3t-p4ss@h", "unknown database in 'redis:"),
        ("tasks.db", "write one like"),
        ("", "write one like"),
        ("sqlite://tasks.db", "write sqlite:///file.db"),
        ("postgresql://u:s3cr3t-p4ss@h:port/d", "can't be read"),
        ("mysql://u:s3cr3t-p4ss@h:99999/d", "can't be read"),
        ("mysql://u:s3cr3t-p4ss@h", "names no database"),
        ("mysql://u:s3cr3t-p4ss@h/d?colour=red", "unknown option 'colour'"),
        ("sqlite:///x.db?mode=ro", "is understood"),
        ("sqlite:///x\0.db", "is not a database URL"),
    ],
)
def test_a_url_that_cant_be_used_is_refused_at_once(url: str, says: str):
    assert says in refused(lambda: tasq_core.connect(url), InvalidInputError)


@pytest.mark.parametrize("url", [None, 5, b"sqlite://"])
def test_a_url_is_text(url: object):
    assert "url must be text" in refused(lambda: tasq_core.connect(url), InvalidTypeError)  # type: ignore[arg-type]


@on_servers
def test_a_wrong_password_is_reported_without_it(database: Database):
    parts = urlsplit(database.url)
    url = parts._replace(netloc=f"nobody:{SECRET}@{parts.hostname}:{parts.port}").geturl()
    said = refused(lambda: count(url), RepositoryUnavailableError)
    assert "nobody:***@" in said
    assert "check the" in said


@on_servers
def test_a_missing_database_is_reported(database: Database):
    url = urlsplit(database.url)._replace(path="/no_such_db").geturl()
    said = refused(lambda: count(url), RepositoryUnavailableError)
    assert "no_such_db" in said
    assert "check the database" in said


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_isnt_there_is_reported_with_what_to_check(scheme: str):
    url = f"{scheme}://u:{SECRET}@127.0.0.1:1/d"
    said = refused(lambda: count(url, connect_timeout=2), RepositoryUnavailableError)
    assert "check the host and port" in said
    assert "u:***@127.0.0.1:1/d" in said


def test_a_missing_folder_is_reported(tmp_path: object):
    said = refused(lambda: count(f"sqlite:///{tmp_path}/none/x.db"), RepositoryUnavailableError)
    assert "check that the folder exists" in said


def test_a_file_that_is_no_database_is_reported(tmp_path: Any):
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)
    assert "x.db" in refused(lambda: count(f"sqlite:///{tmp_path}/x.db"), RepositoryError)


CALLS: dict[str, Callable[[Client], object]] = {
    "count": lambda client: client.new_inspector().count(),
    "submit": lambda client: client.new_producer().submit("a", 1),
    "submit many": lambda client: client.new_producer().submit_many([make_task()]),
    "poll": lambda client: client.repository.poll_tasks("a", "", 30),
    "poll all": lambda client: client.repository.poll_tasks(None, None, 30),
    "page": lambda client: client.new_inspector().page("status:failed"),
    "summary": lambda client: client.new_inspector().summary(),
    "breakdown": lambda client: client.new_inspector().breakdown("queue"),
    "delete": lambda client: client.new_inspector().delete(True, make_task()),
    "requeue": lambda client: client.new_inspector().requeue(make_task()),
    "finish": lambda client: client.repository.register_finish(make_task(), "FAILED"),
    "clean": lambda client: client.new_cleaner().clean(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_missing_table_is_named_with_what_makes_it(
    database: Database, call: Callable[..., object]
):
    said = refused(lambda: call(database.client()), TableMissingError)
    assert f"{database.table!r} doesn't exist" in said
    assert "tasq migrate" in said


WRITES = ["submit", "submit many", "poll", "delete", "requeue"]


@pytest.mark.parametrize("name", WRITES)
def test_the_database_itself_refuses_writes_when_read_only(database: Database, name: str):
    database.client().migrate()
    task = database.open().submit_task(make_task(type="a", queue=""))
    client = database.client(read_only=True)
    assert client.new_inspector().get(task.id) == task
    assert "read-only" in refused(lambda: CALLS[name](client), ReadOnlyError)
    assert "read-only" in refused(client.migrate, ReadOnlyError) if name == "submit" else True
    assert client.new_inspector().page().tasks == (task,)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"codec": "xml"}, "json"),
        ({"pool_size": 0}, "pool_size"),
        ({"pool_size": "many"}, "pool_size"),
        ({"connect_timeout": -1}, "connect_timeout"),
        ({"statement_timeout": "x"}, "statement_timeout"),
        ({"prefix": "a b"}, "prefix"),
        ({"prefix": 5}, "prefix"),
    ],
)
@on_servers
def test_an_option_that_cant_be_used_is_refused(
    database: Database, options: dict[str, Any], says: str
):
    assert says in refused(lambda: tasq_core.connect(database.url, **options), InvalidInputError)


@on_servers
def test_a_time_zone_is_for_mysql_and_must_exist(database: Database):
    says = "Mars/Base" if database.backend == "mysql" else "time_zone is for MySQL"
    call = lambda: tasq_core.connect(database.url, time_zone="Mars/Base")  # noqa: E731
    assert says in refused(call, InvalidInputError)


# -- what to submit ------------------------------------------------------------------------

NOON = datetime(2026, 1, 2, tzinfo=UTC)
ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)

SUBMITS: dict[str, tuple[dict[str, Any], str]] = {
    "args that don't encode": ({"args": {"a": object()}}, "args can't be written as JSON"),
    "args that hold themselves": ({"args": ENDLESS}, "args"),
    "type is no text": ({"type": 5}, "type must be text"),
    "type is bytes": ({"type": b"a"}, "type must be text"),
    "type holds NUL": ({"type": "a\0b"}, "NUL"),
    "type is no Unicode": ({"type": "a\ud800"}, "Unicode"),
    "queue is no text": ({"queue": None}, "queue must be text"),
    "priority too high": ({"priority": 32768}, "use -32768 to 32767"),
    "priority too low": ({"priority": -32769}, "use -32768 to 32767"),
    "priority no int": ({"priority": 1.5}, "priority must be a whole number"),
    "priority a bool": ({"priority": True}, "priority must be a whole number"),
    "receives negative": ({"max_receives": -1}, "max_receives"),
    "receives too many": ({"max_receives": 2**31}, "max_receives"),
    "delay and visible_at": ({"delay": 1, "visible_at": NOON}, "pass one of them"),
    "delay negative": ({"delay": -1}, "delay"),
    "delay no number": ({"delay": "soon"}, "delay"),
    "visible_at naive": ({"visible_at": NOON.replace(tzinfo=None)}, "time zone"),
    "visible_at no time": ({"visible_at": "2026-01-02"}, "visible_at must be a datetime"),
    "id no UUID": ({"id": "xyz"}, "is not a UUID"),
    "id a number": ({"id": 5}, "id must be a UUID"),
    "connection of another kind": ({"connection": object()}, "connection must be"),
}


@pytest.mark.parametrize(("fields", "says"), SUBMITS.values(), ids=SUBMITS.keys())
def test_a_submit_that_cant_be_stored_is_refused_and_nothing_written(
    client: Client, fields: dict[str, Any], says: str
):
    submit = client.new_producer().submit
    assert says in refused(lambda: submit(**{"type": "a", "args": 1, **fields}))
    assert client.new_inspector().count() == 0


def test_args_that_dont_encode_are_an_args_encode_error(client: Client):
    refused(lambda: client.new_producer().submit("a", {1, object()}), ArgsEncodeError)


TASKS: dict[str, dict[str, Any]] = {
    "priority": {"priority": 2**15},
    "type": {"type": 5},
    "queue": {"queue": "\0"},
    "args": {"args": "text"},
    "id": {"id": "xyz"},
    "max_receives": {"max_receives": "1"},
    "created_at": {"created_at": datetime(2026, 1, 2)},  # noqa: DTZ001 - that is the point
    "visible_at": {"visible_at": None},
}


@pytest.mark.parametrize(("field", "fields"), TASKS.items(), ids=TASKS.keys())
def test_a_task_with_a_field_the_table_cant_hold_is_refused(
    client: Client, field: str, fields: dict[str, Any]
):
    bad = make_task(**fields)
    producer, repository = client.new_producer(), client.repository
    for call in (
        lambda: producer.submit_task(bad),
        lambda: producer.submit_many([make_task(), bad]),
        lambda: repository.restore_tasks([make_task(), bad]),
    ):
        assert field in refused(call, InvalidInputError)
    assert client.new_inspector().count() == 0


@pytest.mark.parametrize("value", [None, "a", 5, {"id": 1}])
def test_what_is_no_task_is_refused(client: Client, value: object):
    assert "a Task is needed" in refused(lambda: client.new_producer().submit_task(value))  # type: ignore[arg-type]
    assert "a Task is needed" in refused(lambda: client.new_producer().submit_many([value]))  # type: ignore[list-item]


FAR = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))


@pytest.mark.parametrize("zone", FAR)
@pytest.mark.parametrize("edge", [datetime.min, datetime.max])  # noqa: DTZ901 - given a zone below
def test_the_ends_of_time_are_stored_in_any_zone(client: Client, edge: datetime, zone: timezone):
    at = edge.replace(tzinfo=zone)
    for field in ("visible_at", "created_at"):
        task = client.new_producer().submit_task(make_task(**{field: at}))
        stored = getattr(client.new_inspector().get(task.id), field)
        assert abs(stored.replace(tzinfo=None) - edge) <= timedelta(hours=14)
    assert client.new_inspector().page().tasks


# -- what to look for ----------------------------------------------------------------------


@pytest.mark.parametrize("names", [5, [5], [None], "a\0", ["a\ud800"], [b"a"]])
def test_names_are_text(client: Client, names: Any):
    repository, inspector = client.repository, client.new_inspector()
    for call in (
        lambda: inspector.count(types=names),
        lambda: inspector.scan(queues=names),
        lambda: repository.poll_tasks(names, "mail", 30),
        lambda: inspector.purge(True, types=names),
    ):
        refused(call, InvalidInputError)


@pytest.mark.parametrize("statuses", ["DONE", ["NEW", "DONE"], [5], [None]])
def test_an_unknown_status_is_refused_with_those_there_are(client: Client, statuses: Any):
    refused(lambda: client.new_inspector().count(statuses), InvalidInputError)


def test_a_missing_task_is_named(client: Client):
    task = make_task()
    assert str(task.id) in refused(lambda: client.new_inspector().get(task.id), TaskNotFoundError)
    assert "not a UUID" in refused(lambda: client.new_inspector().get("12"), InvalidInputError)


def test_a_filter_that_is_no_unicode_is_refused(client: Client):
    refused(lambda: client.new_inspector().page("queue:a\udcff"))


def test_an_unknown_keyword_of_the_repository_is_a_type_error(database: Database):
    with pytest.raises(TypeError, match="colour"):
        open_repository(database.url, colour="red")


def test_reading_from_a_mistyped_sqlite_path_makes_no_file(tmp_path):
    path = tmp_path / "tpyo.db"
    client = tasq_core.connect(f"sqlite:///{path}")

    with pytest.raises(tasq_core.TableMissingError, match="nor does its file"):
        client.new_inspector().count()

    assert not path.exists()
