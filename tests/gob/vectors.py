"""Golden streams written by Go, and how their expected values are spelled in JSON."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

DATA = Path(__file__).parent / "data"


def load():
    """Dicts of name, go_type, raw and value."""
    lines = (DATA / "gob_vectors.jsonl").read_text().splitlines()
    return [{**one, "raw": bytes.fromhex(one["hex"])} for one in map(json.loads, lines)]


def rows():
    """The args that Go's library stored in its tables."""
    for path in sorted((DATA / "rows").iterdir()):
        text = path.read_text()
        found = json.loads(text) if path.suffix == ".json" else map(json.loads, text.splitlines())
        for row in found:
            yield f"{path.stem}-{row['type']}", row


def fits(value, expected):
    """Whether a decoded value is what a vector's `value` says."""
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(value) == len(expected)
            and all(map(fits, value, expected))
        )
    if isinstance(expected, dict):
        (mark, *_) = (*expected, "")  # type: ignore[misc]
        if mark.startswith("$"):
            return _fits_marked(value, mark, expected[mark])
        return (
            isinstance(value, dict)
            and [str(key) for key in value] == [key for key in map(str, value) if key in expected]
            and len(value) == len(expected)
            and all(fits(part, expected[str(key)]) for key, part in value.items())
        )
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    return value == expected and not isinstance(value, bytes)


def _fits_marked(value, mark, content):
    match mark:
        case "$bytes" | "$opaque_hex":
            return value == bytes.fromhex(content)
        case "$opaque":
            return value == content.encode()
        case "$float":
            wanted = float(content)
            same_sign = math.copysign(1, value) == math.copysign(1, wanted)
            return math.isnan(value) if math.isnan(wanted) else value == wanted and same_sign
        case "$complex":
            return value == complex(*content)
        case "$repeat":
            return value == content[0] * content[1]
        case "$time":
            return value == parse_time(content) and value.utcoffset() == timedelta()
    raise AssertionError(mark)


def parse_time(text):
    """RFC 3339 as Go prints it, nanoseconds cut to microseconds."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(head).replace(tzinfo=UTC)
    return moment + timedelta(microseconds=int(fraction[:6].ljust(6, "0")) if fraction else 0)
