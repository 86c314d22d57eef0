"""What the `last_error` column holds: an exception and its traceback, in storable text."""

import traceback
from types import TracebackType
from typing import Final

MAX_ERROR_BYTES: Final = 16 * 1024
"""The most bytes of UTF-8 kept; well below MySQL's 64 KiB `text`."""

_MAX_SUMMARY_BYTES: Final = 4 * 1024
_DEEPEST_FRAMES: Final = 40
_CUT: Final = "\n… cut …\n"


def storable_error(error: BaseException | str) -> str:
    """`error` as text that every database stores: no NUL, valid UTF-8, at most 16 KiB.

    An exception becomes `Type: message`, a blank line and its traceback; where that is too
    long the traceback loses its middle. Text keeps its beginning.
    """
    if isinstance(error, str):
        return _head(_clean(error), MAX_ERROR_BYTES)
    summary, details = _described(error)
    summary = _head(_clean(summary), _MAX_SUMMARY_BYTES)
    if not details:
        return summary
    room = MAX_ERROR_BYTES - len(summary.encode()) - 2
    return f"{summary}\n\n{_middle_cut(_clean(details), room)}"


def _described(error: BaseException) -> tuple[str, str]:
    """The one-line summary and the traceback ("" without one), whatever the exception does."""
    try:
        report = traceback.TracebackException(
            type(error), error, _handlers_frames(error), limit=-_DEEPEST_FRAMES, compact=True
        )
        summary = "".join(report.format_exception_only()).strip()
        chained = report.__cause__ or report.__context__ or error.__traceback__
        return summary, "".join(report.format()).rstrip() if chained else ""
    except Exception:  # noqa: BLE001 - a hostile exception must not take the consumer down
        return f"{type(error).__name__} (its message and traceback can't be read)", ""


def _handlers_frames(error: BaseException) -> TracebackType | None:
    """The traceback without the consumer's own frames on top, unless there are no others."""
    frames = error.__traceback__
    while frames and frames.tb_next:
        if not str(frames.tb_frame.f_globals.get("__name__")).startswith("tasq_core.consumer."):
            break
        frames = frames.tb_next
    return frames


def _clean(text: str) -> str:
    """`text` without NUL and lone surrogates, which are written as escapes."""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _head(text: str, size: int) -> str:
    """As much of the beginning of `text` as fits in `size` bytes."""
    data = text.encode()
    if len(data) <= size:
        return text
    kept = data[: size - len("…".encode())].decode("utf-8", "ignore")
    return f"{kept}…"


def _middle_cut(text: str, size: int) -> str:
    """`text` in `size` bytes, its end being worth more than its beginning."""
    data = text.encode()
    if len(data) <= size:
        return text
    room = size - len(_CUT.encode())
    head = room // 4
    start = data[:head].decode("utf-8", "ignore")
    end = data[len(data) - (room - head) :].decode("utf-8", "ignore")
    return f"{start}{_CUT}{end}"
