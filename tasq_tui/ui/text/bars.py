"""Bars and sparklines out of block characters."""

from collections.abc import Sequence
from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_LEVELS: Final = " ▁▂▃▄▅▆▇█"


def bar(value: float, most: float, width: int) -> str:
    """A horizontal bar, exactly `width` cells wide; anything above 0 can be seen."""
    if most <= 0 or width <= 0:
        return " " * max(width, 0)
    eighths = min(round(8 * width * value / most), 8 * width)
    if value > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def sparkline(values: Sequence[float], rows: int = 1) -> list[str]:
    """`values` as columns, `rows` lines high, the top line first; scaled to the greatest."""
    most = max(values, default=0)
    heights = [
        max(round(8 * rows * value / most), 1) if value > 0 and most > 0 else 0 for value in values
    ]
    return [
        "".join(_LEVELS[min(max(height - 8 * row, 0), 8)] for height in heights)
        for row in reversed(range(rows))
    ]


def trend(values: Sequence[float] | None) -> str:
    """`values` as one line of columns; "" where there are none."""
    return sparkline(values)[0] if values else ""
