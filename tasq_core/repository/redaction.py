"""Hides passwords, in database URLs and in what drivers say.

The rule is a list of what may be shown: a part of a URL that isn't recognised is hidden.
"""

import re
from typing import Final
from urllib.parse import unquote

HIDDEN: Final = "***"

_CHARACTER: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|[^\x00-\x7f\s]|%[0-9A-Fa-f]{2})"
_USER: Final = rf"{_CHARACTER}*"
_PASSWORD: Final = rf"(?:{_CHARACTER}|:)*"
_HOST: Final = (
    r"(?:\[[0-9A-Fa-f:.%]+\]|(?:[A-Za-z0-9\-._~]|[^\x00-\x7f\s]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
_PATH: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=/]|[^\x00-\x7f\s]|%[0-9A-Fa-f]{2})*"
_VALUE: Final = r"(?:[A-Za-z0-9\-._~!$'()*+,;:@/?]|[^\x00-\x7f\s&#=]|%[0-9A-Fa-f]{2}|=)*"
_QUERY: Final = rf"[A-Za-z0-9_%.\-]+=(?:{_VALUE})(?:[&][A-Za-z0-9_%.\-]+=(?:{_VALUE}))*"
_SERVER: Final = re.compile(
    rf"(?:(?P<user>{_USER})(?P<password>:{_PASSWORD})?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)(?P<path>/{_PATH})?(?P<query>\?(?:{_QUERY})?)?"
)
_GO: Final = re.compile(
    rf"(?P<user>{_USER})(?P<password>:{_PASSWORD})?@"
    rf"(?P<hosts>[a-z]+(?:\([A-Za-z0-9.:\-/_\[\]]*\))?)(?P<path>/{_PATH})(?P<query>\?(?:{_QUERY})?)?"
)
_SECRET: Final = re.compile(r"pass|pwd|secret|token|credential|api_?key", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{0,29}")
_PLAIN_USER: Final = re.compile(r"[A-Za-z0-9_.\-]{1,63}")
_KEYWORD: Final = re.compile(
    r"\s*(\w+)(\s*=\s*)('(?:\\.|[^'\\])*'|(?:\\.|[^\s\\'])*)(?=\s|$)", re.DOTALL
)
_KEYWORDS: Final = re.compile(r"\s*\w+\s*=")

_SHOWN: Final = frozenset(
    {
        "application_name", "charset", "client_encoding", "collation", "connect_timeout",
        "dbname", "gssencmode", "host", "hostaddr", "interpolateparams", "keepalives",
        "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts",
        "loc", "mode", "multistatements", "options", "parsetime", "pool_size", "port", "prefix",
        "read_default_file", "read_default_group", "read_only", "read_timeout", "replication",
        "schema", "service", "ssl_ca", "ssl_cert",
        "ssl_disabled", "ssl_key", "ssl_mode", "sslcert", "sslkey", "sslmode", "sslrootcert",
        "statement_timeout", "target_session_attrs", "tcp_user_timeout", "time_zone", "timeout",
        "tls", "user", "wake_up", "write_timeout",
    }
)  # fmt: skip
"""Parameters whose values hold no secret."""

_HARMLESS: Final = re.compile(r"[0-9]{1,2}|true|false|on|off|yes|no", re.IGNORECASE)


def is_well_formed(url: str) -> bool:
    """Whether a server's URL reads the same to every parser: nothing in it needs escaping."""
    scheme, slashes, rest = url.partition("://")
    found = _SERVER.fullmatch(rest)
    return bool(
        slashes
        and _SCHEME.fullmatch(scheme)
        and found
        and not ("@" in (found["query"] or "") and found["user"] is None and ":" in found["hosts"])
    )


def redact(url: str) -> str:
    """`url` with every password as `***`; user, host and database stay.

    Takes URLs, PostgreSQL's `key=value` strings and Go's MySQL form. Of what can't be read
    without doubt, the scheme and the user's name are shown at most.
    """
    if _KEYWORDS.match(url) and "://" not in url.partition("=")[0]:
        return _redact_keywords(url)
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        found = _GO.fullmatch(url)
        return _assembled("", found) if found else HIDDEN
    if not _SCHEME.fullmatch(scheme):
        return HIDDEN
    if scheme.lower().startswith("sqlite") and (not rest or rest.startswith("/")):
        path, mark, query = rest.partition("?")
        return f"{scheme}://{path}{mark}{_redact_query(query)}"
    found = _SERVER.fullmatch(rest)
    if found and is_well_formed(url):
        return _assembled(f"{scheme}://", found)
    user, colon, secret = rest.partition(":")
    named = colon and "@" in secret and _PLAIN_USER.fullmatch(user)
    return f"{scheme}://{user}:{HIDDEN}@…" if named else f"{scheme}://…"


def _assembled(scheme: str, found: re.Match[str]) -> str:
    user = (
        ""
        if found["user"] is None
        else found["user"] + (f":{HIDDEN}" if found["password"] else "") + "@"
    )
    query = found["query"] or ""
    return (
        f"{scheme}{user}{found['hosts']}{found['path'] or ''}{query[:1]}{_redact_query(query[1:])}"
    )


def _redact_query(query: str) -> str:
    pairs = query.split("&") if query else []
    secret = any(_SECRET.search(unquote(pair.partition("=")[0])) for pair in pairs)
    return "&".join(_redact_pair(pair, secret) for pair in pairs)


def _redact_pair(pair: str, beside_a_secret: bool) -> str:
    """One parameter; a name that isn't known may be the rest of a password with a bare `&`."""
    key, _, value = pair.partition("=")
    name = unquote(key).lower()
    known = name in _SHOWN
    if not known and not _SECRET.search(name) and beside_a_secret:
        return f"{HIDDEN}={HIDDEN}"
    return f"{key}={value if known or _HARMLESS.fullmatch(value) else HIDDEN}"


def _redact_keywords(text: str) -> str:
    shown: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        found = _KEYWORD.match(text, position)
        key, equals, value = found.groups() if found else _unfinished(text, position)
        known = key.lower() in _SHOWN
        shown.append(
            f"{key}{equals}{value if known and found else HIDDEN}"
            if known or "pass" in key.lower()
            else HIDDEN
        )
        if found is None:  # an unclosed quote, or words beside a value: where does it end?
            break
        position = found.end()
    return " ".join(shown)


def _unfinished(text: str, position: int) -> tuple[str, str, str]:
    begun = _KEYWORDS.match(text, position)
    key, equals, _ = begun[0].partition("=") if begun else ("", "", "")
    return key.strip(), equals, ""


_EMBEDDED: Final = re.compile(
    r"""(?i)([a-z][a-z0-9+.-]*://[^/?#\s:@]*:)[^/?#\s]*(?=@)"""
    r"""|((?:password|passwd|sslpassword)\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&;'"]+)"""
)


def redact_text(text: str) -> str:
    """`text`, a driver's message, with every password in a URL or DSN it holds as `***`."""
    return _EMBEDDED.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}", text)
