"""No part of a password is shown, however its URL is written. A user who mistypes one would
otherwise find it in a log, a bug report or a screenshot."""

import asyncio
import random
import traceback

import pytest

import tasq_core
import tasq_core.aio
from tasq_core.repository import open_repository
from tasq_core.repository.mysql import MySQLRepository
from tasq_core.repository.postgres import PostgresRepository
from tasq_core.repository.redaction import is_well_formed, redact
from tasq_core.repository.sqlite import SQLiteRepository
from tasq_tui.admin.settings import load_settings

LETTERS = "XqZwKvJ"
"""Of the passwords; nothing else in the messages has three of them in a row."""

ODD = " %#@/?:&=;'\"\\[](),\t\n+é…\x00"

FORMS = (
    "postgresql://app:{}@db/prod",
    "postgresql://app:{}@db:5432/prod?sslmode=require",
    "postgresql://app:{}@a:1,b:x/db",
    "postgresql://app:{}@db:port/x",
    "postgresql://db/prod?user=app&password={}",
    "postgresql://db/prod?password={}&sslmode=x",
    "POSTGRESQL://APP:{}@DB",
    "mysql://app:{}@db/prod",
    "mysql://db?passwd={}",
    "mariadb+x://app:{}@[::1]:99999/x",
    "app:{}@tcp(db:3306)/prod",
    "app:{}@db/prod",
    "host=db password={} user=app",
    "host=db password='{}' user=app",
    "postgresql:/app:{}@db",
    "postgresql//app:{}@db/x",
    "sqlite://app:{}@host/x",
    "mongodb://app:{}@db/x",
    "://app:{}@db",
)


def _passwords(count, seed):
    chance = random.Random(seed)
    for _ in range(count):
        letters = "".join(chance.choice(LETTERS) for _ in range(chance.randint(3, 9)))
        for _ in range(chance.randint(0, 3)):
            place = chance.randint(0, len(letters))
            letters = letters[:place] + chance.choice(ODD) + letters[place:]
        yield chance.choice(FORMS), letters


def _leaks(password, text):
    pieces = {password[i : i + 3] for i in range(len(password) - 2)}
    return any(piece in text for piece in pieces if set(piece) <= set(LETTERS))


def _said(call):
    """What a call shows: its result, or its error with all that led to it, hidden or not."""
    try:
        return repr(call())
    except (tasq_core.TasqError, ValueError) as error:
        # What a traceback adds to the links are lines of source, which are dear to find.
        shown, whole = list[str](), list[BaseException]([error])
        for link in whole:  # a log of errors may follow the contexts that `from None` hides
            whole += [one for one in (link.__cause__, link.__context__) if one is not None]
            shown += [str(link), repr(link), *traceback.format_exception_only(link)]
            shown += [repr(value) for value in vars(link).values()]
        return "\n".join(shown)


REPOSITORIES = (PostgresRepository, MySQLRepository, SQLiteRepository, open_repository)


def _takers(url):
    """What takes such a text; SQLite's would take any other than a URL for a file's name."""
    return [kind for kind in REPOSITORIES if "://" in url or kind is not SQLiteRepository]


def _settings(environment):
    settings = load_settings(environment=environment)
    return settings, settings.redacted_url


async def _opened_by_aio(url):
    await (await tasq_core.aio.connect(url)).close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_no_three_letters_of_a_password_are_shown_in_10000_malformed_urls(seed, tmp_path):
    nowhere = str(tmp_path / "none.toml")
    with asyncio.Runner() as runner:  # one loop for all: an own one costs more than the call
        for form, password in _passwords(1000, seed):
            url = form.format(password)
            environment = {"TASQ_URL": url, "TASQ_CONFIG": nowhere}
            shown = [
                redact(url),
                _said(lambda url=url: tasq_core.connect(url).close()),
                _said(lambda url=url: runner.run(_opened_by_aio(url))),
                *(_said(lambda url=url, kind=kind: kind(url).close()) for kind in _takers(url)),
                _said(lambda env=environment: _settings(env)),
            ]
            assert not any(_leaks(password, text) for text in shown), (url, shown)


def test_what_a_server_refuses_or_nobody_answers_shows_no_password(caplog):
    """The libraries' own errors, met when one connects, are in the chain of ours."""
    caplog.set_level("DEBUG")
    for url in (
        "postgresql://app:XqZwKvJ@127.0.0.1:1/prod",
        "postgresql://127.0.0.1:1/prod?user=app&password=XqZwKvJ",
        "postgresql://app:XqZwKvJ@127.0.0.1:1,127.0.0.1:2/prod",
        "host=127.0.0.1 port=1 password=XqZwKvJ",
        "mysql://app:XqZwKvJ@127.0.0.1:1/prod",
        "mysql://app:XqZwKvJ@127.0.0.1:1,127.0.0.1:2/prod",
        "mysql://app:XqZwKvJ@127.0.0.1:1/prod?ssl_ca=/none",
    ):
        for kind in _takers(url):
            said = _said(lambda url=url, kind=kind: kind(url).now())
            assert not _leaks("XqZwKvJ", said), (url, said)
    assert not _leaks("XqZwKvJ", caplog.text)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:S3c%r3t@db/prod",
        "postgresql://app:S3c r3t@db/prod",
        "postgresql://app:S3c#r3t@db/prod",
        "postgresql://app:S3c@r3t@db/prod",
        "postgresql://app:S3c/r3t@db/prod",
        "mysql://app:S3c?r3t@db/prod",
        "postgresql://db/prod?password=a b",
        "postgresql://app:S3cr3t@db:port/prod",
    ],
)
def test_a_password_that_needs_escaping_is_refused_with_the_way_to_write_it(url):
    assert not is_well_formed(url)
    with pytest.raises(tasq_core.InvalidInputError, match=r"can't be read.*%40") as refused:
        tasq_core.connect(url)
    assert "S3c" not in str(refused.value)
    assert "r3t" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:S3c%40r3t@db/prod",
        "postgresql://app:!$&'()*+,;=-._~é@db/prod",
        "postgresql://a:1,[::1]:2/db?target_session_attrs=read-write",
        "mysql://app@db/prod?charset=utf8mb4",
        "postgresql://%2Fvar%2Frun/db",
        "postgresql://",
        "postgresql:///db?host=/var/run",
    ],
)
def test_a_url_that_every_parser_reads_alike_is_well_formed(url):
    assert is_well_formed(url)
