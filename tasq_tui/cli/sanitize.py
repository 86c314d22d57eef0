"""Text from the database, made harmless for a terminal, a spreadsheet, or a JSON reader."""

import re
from typing import Final
from unicodedata import combining, east_asian_width

# What JSON leaves as it is and a terminal would act on: DEL, C1 controls, bidirectional marks,
# line separators, and lone surrogates, which can't be encoded at all.
_ACTIVE: Final = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def line(value: object) -> str:
    """`value` on one line: what is not a printable character is shown as its escape."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def lines(text: str) -> list[str]:
    """The lines of `text`, each inert; tabs are kept as spaces."""
    return [line(part) for part in text.replace("\r\n", "\n").expandtabs(4).split("\n")]


def cell(text: str) -> str:
    """`text` for a CSV file: on one line, and no formula to a spreadsheet."""
    shown = line(text)
    return f"'{shown}" if text.startswith(_FORMULA) else shown


def json_text(text: str) -> str:
    """JSON in which a terminal finds nothing to act on; it reads back the same."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cells(text: str) -> int:
    """How many cells of a terminal `text`, inert, takes."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(char) in "WF" else not combining(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
