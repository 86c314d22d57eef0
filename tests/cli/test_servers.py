"""Each verb that touches the database reaches each server: the rest is tested on SQLite."""

import json
from urllib.parse import urlsplit

import pytest

from tasq_core.filters import Filter
from tasq_core.task import TaskStatus

JOBS = """
def email(task):
    pass
def broken(task):
    raise ValueError("refused")
def register(consumer):
    consumer.learn("email", email)
    consumer.learn("broken", broken)
"""


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
def test_a_queue_is_used_from_its_first_task_to_its_last(tasq, database):
    (tasq.folder / "jobs.py").write_text(JOBS)

    def done(*arguments, stdin="", code=0):
        result = tasq(*arguments, stdin=stdin)
        assert result.code == code, (arguments, result.out, result.err)
        return result.out

    done("migrate")
    kept = done("submit", "email", "--args", '{"to": "a@b.c"}', "--queue", "mail").strip()
    done("submit", "broken", "--queue", "mail", "--max-receives", "1")
    assert kept in done("list", "-o", "ids", "--where", "queue:mail type:email")
    assert [task["id"] for task in json.loads(done("show", kept, "--json"))] == [kept]
    assert json.loads(done("stats", "--json"))

    done("work", "jobs:register", "--queue", "mail", "--drain", "--log", "error", code=6)
    assert "refused" in done("errors")
    done("requeue", "--where", "status:failed", "--yes")
    client = database.client()
    assert client.repository.count(Filter.of((TaskStatus.NEW,))) == 1

    exported = done("export", "--all")
    done("purge", "--all", "--yes")
    assert done("list", "-o", "ids", "--all").strip() == ""
    done("import", "-", stdin=exported)
    done("delete", kept, "--yes")
    done("clean", "--age", "0s", "--yes")
    done("doctor")
    assert client.repository.count(Filter()) == 1


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
@pytest.mark.parametrize("verb", [("migrate",), ("purge", "--all", "--yes"), ("doctor",)])
def test_a_refused_connection_is_an_error_and_no_traceback(tasq, database, verb):
    """What a new user mistypes first; the traceback said nothing of the URL."""
    url = urlsplit(database.url)
    wrong = url._replace(netloc=f"{url.username}:mistyped@{url.hostname}:1").geturl()
    absent = url._replace(path="/tasq_no_such_database").geturl()

    for mistaken in (wrong, absent):
        result = tasq(*verb, TASQ_URL=mistaken)
        assert (result.code, result.out) == (5, "")
        assert "Traceback" not in result.err
        assert "check the" in result.err
        assert "mistyped" not in result.err
