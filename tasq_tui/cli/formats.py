"""The forms of output."""

from enum import StrEnum


class Format(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    IDS = "ids"


class RowFormat(StrEnum):
    """What `-o` takes of rows that aren't tasks, and so have no ids."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
