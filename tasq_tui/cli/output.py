"""Writes the data: the only module that writes to standard output.

Rows stream: a table of a million is never held. On a terminal, tables are cut to its width
and statuses coloured; in a pipe or file nothing is cut, coloured or reordered. Text from the
database is inert in every form (`inert`).
"""

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from shutil import get_terminal_size
from typing import Any, Final, Generic, TypeVar

from tasq_core.errors import InvalidInputError, TasqError
from tasq_tui.cli import sanitize, streams
from tasq_tui.cli.formats import Format

T = TypeVar("T")

_MEASURED: Final = 500
"""Rows whose widths decide a table's columns; later, longer ones push their line out."""
_NARROWEST: Final = 8
_STDOUT: Final = 1
_COLOURS: Final = {
    "NEW": "36", "ENQUEUED": "33", "IN_PROGRESS": "34", "SUCCESSFUL": "32", "FAILED": "31",
}  # fmt: skip


class OutputClosedError(Exception):
    """Whoever read our output has gone: `tasq list | head`. No error to anyone."""


class OutputFailedError(TasqError):
    """Standard output takes no more: the disk is full, or it is closed."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column of a table."""

    title: str
    text: Callable[[T], str]
    right: bool = False
    gives_way: bool = False
    """Is cut where the terminal is too narrow."""
    drop: int = 0
    """Leaves a terminal that is too narrow even for cut columns, highest first; 0 never does."""


@dataclass(frozen=True, slots=True)
class Shape(Generic[T]):
    """How rows of one kind are written in each form."""

    columns: tuple[Column[T], ...]
    fields: tuple[str, ...]
    """The keys of a record, in order."""
    record: Callable[[T], dict[str, Any]]
    id: Callable[[T], str] | None = None


def rows(shape: Shape[T], found: Iterable[T], form: Format) -> None:
    """Write rows in `form`.

    Raises:
        InvalidInputError: `ids` of something that has none.
        OutputClosedError: nobody reads.
    """
    match form:
        case Format.TABLE:
            _write_all(_table(shape.columns, found))
        case Format.JSON:
            _write_all(_array(shape.record(row) for row in found))
        case Format.NDJSON:
            _write_all(as_json(shape.record(row)) for row in found)
        case Format.CSV:
            _write_all(_csv(shape, found))
        case Format.IDS:
            if shape.id is None:
                raise InvalidInputError("these rows have no task ids; use another -o")
            _write_all(map(shape.id, found))


def document(value: Any) -> None:
    """Write one JSON value, indented."""
    _write_all([as_json(value, indent=2)])


def text(*shown: str) -> None:
    """Write lines that are inert already."""
    _write_all(shown)


def raw(lines: Iterable[str]) -> None:
    """Write lines of a file format as they are."""
    _write_all(lines)


def as_json(value: Any, indent: int | None = None) -> str:
    """`value` as inert JSON text."""
    separators = (",", ": ") if indent else (",", ":")
    return sanitize.json_text(
        json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    )


def is_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def coloured() -> bool:
    """Whether the output may hold colours."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def clear_screen() -> None:
    """Begin at the top of a terminal; elsewhere separate with an empty line."""
    _write("\x1b[H\x1b[2J" if is_terminal() else "\n")


def flush() -> None:
    """Let all that was written be read.

    Raises:
        OutputClosedError: nobody reads.
        OutputFailedError: it can't be written.
    """
    with _failures():
        sys.stdout.flush()


def discard() -> None:
    """Send the rest nowhere, so that the interpreter's own last flush can't fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.close(nowhere)


def failure(error: OSError) -> OutputFailedError:
    """What to say of output that can't be written."""
    return OutputFailedError(f"standard output can't be written: {error.strerror}")


# -- writing ---------------------------------------------------------------------------------


def _write_all(lines: Iterable[str]) -> None:
    for line in lines:
        _write(f"{line}\n")


def _write(data: str) -> None:
    with _failures():
        sys.stdout.write(data)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        discard()
        raise OutputClosedError from None
    except OSError as error:
        if not streams.is_full(error):
            raise
        discard()
        raise failure(error) from error


# -- forms -----------------------------------------------------------------------------------


def _array(records: Iterator[dict[str, Any]]) -> Iterator[str]:
    """A JSON array, a record a line, written as the records come."""
    first = next(records, None)
    if first is None:
        yield "[]"
        return
    held = as_json(first)
    lead = "["
    for record in records:
        yield f"{lead}{held},"
        held, lead = as_json(record), " "
    yield f"{lead}{held}]"


def _csv(shape: Shape[T], found: Iterable[T]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="")
    header = [shape.fields]
    for cells in chain(header, (_cells(shape, row) for row in found)):
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cells(shape: Shape[T], row: T) -> list[str]:
    record = shape.record(row)
    return [_cell(record[name]) for name in shape.fields]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return sanitize.cell(value)
    if isinstance(value, dict | list):
        return sanitize.cell(as_json(value))
    return str(value)


def _table(columns: Sequence[Column[T]], found: Iterable[T]) -> Iterator[str]:
    found = iter(found)
    first = [_texts(columns, row) for row in islice(found, _MEASURED)]
    titles = [column.title for column in columns]
    widths = [max(map(sanitize.cells, texts)) for texts in zip(titles, *first, strict=True)]
    cut = is_terminal()
    if cut:
        kept, widths = _fitted(columns, widths, get_terminal_size().columns)
        columns = [columns[place] for place in kept]
        titles = [titles[place] for place in kept]
        first = [[texts[place] for place in kept] for texts in first]
    paint = coloured()
    yield _line(columns, titles, widths, cut=cut, style="1" if paint else "")
    rest = (_texts(columns, row) for row in found)
    for texts in chain(first, rest):
        yield _line(columns, texts, widths, cut=cut, paint=paint)


def _texts(columns: Sequence[Column[T]], row: T) -> list[str]:
    return [sanitize.line(column.text(row)) for column in columns]


def _fitted(
    columns: Sequence[Column[Any]], widths: list[int], room: int
) -> tuple[list[int], list[int]]:
    """The places of the columns that fit in `room` cells, and their widths."""
    kept = list(range(len(columns)))
    while True:
        left = [columns[place] for place in kept]
        narrowed = _narrowed(left, [widths[place] for place in kept], room)
        too_wide = sum(narrowed) + 2 * (len(kept) - 1) > room
        droppable = max((column.drop for column in left), default=0)
        if not too_wide or not droppable:
            return kept, narrowed
        kept.remove(next(place for place in kept if columns[place].drop == droppable))


def _narrowed(columns: Sequence[Column[Any]], widths: list[int], room: int) -> list[int]:
    """Widths that fit in `room` cells as far as the columns that give way allow."""
    widths = list(widths)
    excess = sum(widths) + 2 * (len(widths) - 1) - room
    for place in reversed(range(len(columns))):
        if excess > 0 and columns[place].gives_way:
            kept = max(min(_NARROWEST, widths[place]), widths[place] - excess)
            excess -= widths[place] - kept
            widths[place] = kept
    return widths


def _line(
    columns: Sequence[Column[Any]],
    texts: Sequence[str],
    widths: Sequence[int],
    *,
    cut: bool,
    paint: bool = False,
    style: str = "",
) -> str:
    shown: list[str] = []
    for column, text, width in zip(columns, texts, widths, strict=True):
        fitted = _cut(text, width) if cut else text
        padding = " " * (width - sanitize.cells(fitted))
        colour = style or (_COLOURS.get(text, "") if paint else "")
        dressed = f"\x1b[{colour}m{fitted}\x1b[0m" if colour else fitted
        shown.append(padding + dressed if column.right else dressed + padding)
    return "  ".join(shown).rstrip()


def _cut(text: str, width: int) -> str:
    if sanitize.cells(text) <= width:
        return text
    kept, used = "", 0
    for char in text:
        used += sanitize.cells(char)
        if used > width - 1:
            break
        kept += char
    return f"{kept}…"
