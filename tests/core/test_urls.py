"""Database URLs: read, refused with a reason, and shown without their password."""

import pytest

from tasq_core import InvalidInputError, open_repository
from tasq_core.repository.redaction import redact, redact_text
from tasq_core.repository.urls import parse_url, take_options

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "kind", "database"),
    [
        ("sqlite://", "sqlite", ""),
        ("sqlite:///:memory:", "sqlite", ""),
        ("sqlite:///tasks.db", "sqlite", "tasks.db"),
        ("sqlite:////var/tasks.db", "sqlite", "/var/tasks.db"),
        ("sqlite:///a%20b%3F.db?synchronous=normal", "sqlite", "a b?.db"),
        ("SQLITE:///x.db", "sqlite", "x.db"),
        ("postgres://h/d", "postgresql", "d"),
        ("postgresql+psycopg://h/d", "postgresql", "d"),
        ("mariadb://h/d", "mysql", "d"),
    ],
)
def test_a_url_names_its_database(url: str, kind: str, database: str):
    found = parse_url(url)
    assert (found.kind, found.database) == (kind, database)


def test_the_parts_of_a_url_are_unquoted():
    url = parse_url("mysql://us%40er:p%2Fw@db.example:3307/my%20db?ssl_ca=%2Fetc%2Fca.pem")
    assert (url.user, url.password, url.host, url.port) == ("us@er", "p/w", "db.example", 3307)
    assert (url.database, url.query) == ("my db", {"ssl_ca": "/etc/ca.pem"})


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("a:1,b:2", (("a", 1), ("b", 2))),
        ("a,b:2,", (("a", None), ("b", 2), (None, None))),
        ("[::1]:5432,b", (("::1", 5432), ("b", None))),
        ("", ((None, None),)),
    ],
)
def test_a_url_may_list_several_hosts(scheme: str, hosts: str, expected: object):
    """PostgreSQL's own syntax was refused as a bad port."""
    url = parse_url(f"{scheme}://u:{SECRET}@{hosts}/d")
    assert (url.hosts, url.user, url.password, url.database) == (expected, "u", SECRET, "d")
    assert (url.host, url.port) == url.hosts[0]
    assert SECRET not in str(url)
    assert hosts in str(url)


def test_options_in_the_query_are_taken_and_the_rest_stays():
    url, options = take_options(
        "postgresql://h/d?wake_up=no&options=-csearch_path%3Dx&read_only=TRUE&pool_size=3"
        "&statement_timeout=2.5&connect_timeout=4s&time_zone=Europe%2FBerlin"
    )
    assert url == "postgresql://h/d?options=-csearch_path%3Dx"
    assert options == {
        "wake_up": False, "read_only": True, "pool_size": 3, "statement_timeout": 2.5,
        "connect_timeout": 4.0, "time_zone": "Europe/Berlin",
    }  # fmt: skip
    assert take_options("mysql://h/d?ssl_ca=x") == ("mysql://h/d?ssl_ca=x", {})
    assert take_options("sqlite://?read_only=1") == ("sqlite://", {"read_only": True})


@pytest.mark.parametrize(
    "query",
    ["read_only=maybe", "wake_up=", "pool_size=many", "pool_size=-1", "statement_timeout=x"],
)
def test_an_option_that_cant_be_read_is_refused_by_name(query: str):
    with pytest.raises(InvalidInputError, match=query.partition("=")[0]):
        take_options(f"postgresql://u:{SECRET}@h/d?{query}")


@pytest.mark.parametrize(
    "query", ["pool_size=0", "statement_timeout=-1", "connect_timeout=inf", "time_zone=UTC"]
)
def test_an_option_that_cant_be_used_is_refused(query: str):
    with pytest.raises(InvalidInputError):
        open_repository(f"sqlite:///x.db?{query}")


def test_a_parsed_url_shows_no_password():
    url = parse_url(f"postgresql://u:{SECRET}@h/d?password={SECRET}")
    assert SECRET not in f"{url} {url!r}"
    assert str(url) == "postgresql://u:***@h/d?password=***"


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "oracle://h/d", "sqlite://file.db", "mysql://h:x/d", "postgresql://[::1/d",
        "postgresql://h:65536/d", "postgresql://a:1,b:x/d", "mysql://a:1:2/d",
    ],
)  # fmt: skip
def test_what_is_no_url_of_ours_is_refused(url: str):
    with pytest.raises(InvalidInputError):
        parse_url(url)


HIDDEN = [
    f"postgresql://u:{SECRET}@h/d",
    f"mysql://u:{SECRET}@h:3306/d?ssl_ca=x",
    f"mysql://u:{SECRET}/w@h/d",
    f"postgresql://u:a@b{SECRET}@h/d",
    f"postgresql://u:a?{SECRET}@h/d",
    f"host=h user=u password={SECRET}",
    f"host=h password='a b {SECRET}' user=u",
    f"u:{SECRET}@tcp(h:3306)/d",
    f"postgresql://h/d?user=u&password={SECRET}",
    f"postgresql://h/d?sslpassword={SECRET}",
    f"postgresql://u:{SECRET}@a:1,b:2/d?target_session_attrs=read-write",
    f"postgresql://u:{SECRET}/@a:1,b:2/d",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_no_spelling_of_a_password_is_shown(text: str):
    shown = redact(text)
    assert SECRET not in shown
    assert "***" in shown
    assert redact(shown) == shown


@pytest.mark.parametrize("text", ["sqlite:///tasks.db", "postgresql://u@h/d", "host=h user=u"])
def test_what_holds_no_password_is_shown_as_it_is(text: str):
    assert redact(text) == text


def test_passwords_are_taken_out_of_a_drivers_words():
    said = redact_text(f'bad dsn "postgresql://u:{SECRET}@h/d" and password={SECRET} there')
    assert SECRET not in said
    assert "u:***@h/d" in said
