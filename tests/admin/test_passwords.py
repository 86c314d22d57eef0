"""A password may come from a command, so that no file holds it."""

import sys

import pytest

from tasq_core.errors import InvalidInputError
from tasq_core.repository.urls import parse_url
from tasq_tui.admin.passwords import with_password
from tasq_tui.admin.settings import Settings


def _settings(url, script):
    return Settings(url=url, password_command=f'{sys.executable} -c "{script}"')


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("postgresql://app@a:1,b:2/prod?sslmode=require", "app"),
        ("mysql://app@db/prod", "app"),
        ("postgresql://db/prod", None),
    ],
)
def test_the_command_answers_for_a_url_without_password(url, user):
    settings = _settings(url, "print('p@ s%/')")

    found = parse_url(with_password(settings))

    assert (found.user, found.password, found.database) == (user, "p@ s%/", "prod")
    assert "p@ s" not in repr(settings)


def test_a_password_in_the_url_needs_no_command():
    settings = _settings("postgresql://app:x@db/prod", "raise SystemExit(1)")

    assert with_password(settings) == "postgresql://app:x@db/prod"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; print('S3cr3t', file=sys.stderr); sys.exit(3)", "exit code 3"),
        ("pass", "exit code 0"),
    ],
)
def test_a_command_that_fails_is_named_and_what_it_wrote_is_not(script, said):
    with pytest.raises(InvalidInputError, match=said) as refused:
        with_password(_settings("postgresql://app@db/prod", script))

    assert "S3cr3t" not in str(refused.value)


def test_a_command_that_is_not_there_is_refused():
    with pytest.raises(InvalidInputError, match="password_command can't be run: No such file"):
        with_password(Settings(url="postgresql://db/prod", password_command="no-such-program-x"))
