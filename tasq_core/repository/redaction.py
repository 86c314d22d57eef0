"""Hides passwords, in database URLs and in what drivers say."""

import re
from typing import Final
from urllib.parse import unquote

_SECRET: Final = re.compile(r"pass|pwd|secret|token|credential|api_?key", re.IGNORECASE)
_KEYWORDS: Final = re.compile(r"\s*\w+\s*=")
_KEYWORD: Final = re.compile(r"(\w+)(\s*=\s*)('(?:\\.|[^'\\])*'?|(?:\\.|[^\s\\])*)", re.DOTALL)
_QUERY: Final = r"[^=&;@]+=[^&;]*(?:[&;][^=&;@]+=[^&;]*)*"
_WELL_FORMED: Final = re.compile(rf"[^/?#@]*@[^/?#@]*(?:/[^?#@]*)?(?:\?{_QUERY})?")
_PAIR: Final = re.compile(r"([?&;])([^=&;]+)=([^&;]*)")


def redact(url: str) -> str:
    """`url` with every password as `***`; user, host and database stay.

    Takes URLs, PostgreSQL's `key=value` strings and Go's MySQL form. Where a password with
    unescaped `@`, `/` or `?` leaves doubt about its end, more is hidden rather than less.
    """
    if _KEYWORDS.match(url):
        return _KEYWORD.sub(_hide_keyword, url)
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        scheme, rest = "", url
    if not scheme.lower().startswith("sqlite"):
        rest = _hide_userinfo(rest)
    return _PAIR.sub(_hide_pair, f"{scheme}{slashes}{rest}")


def _hide_userinfo(rest: str) -> str:
    if "@" not in rest:
        return rest
    doubtful = not _WELL_FORMED.fullmatch(rest)
    userinfo, _, place = rest.rpartition("@") if doubtful else rest.partition("@")
    user, colon, _ = userinfo.partition(":")
    return f"{user}{colon and ':***'}@{place}"


def _hide_keyword(found: re.Match[str]) -> str:
    key, equals, value = found.groups()
    return f"{key}{equals}{'***' if _SECRET.search(key) else value}"


def _hide_pair(found: re.Match[str]) -> str:
    mark, key, value = found.groups()
    return f"{mark}{key}={'***' if _SECRET.search(unquote(key)) else value}"


_EMBEDDED: Final = re.compile(
    r"""(?i)([a-z][a-z0-9+.-]*://[^/?#\s:@]*:)[^/?#\s]*(?=@)"""
    r"""|((?:password|passwd|sslpassword)\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&;'"]+)"""
)


def redact_text(text: str) -> str:
    """`text`, a driver's message, with every password in a URL or DSN it holds as `***`."""
    return _EMBEDDED.sub(lambda found: f"{found[1] or found[2]}***", text)
