"""What a screen looks like, as text that can be compared: its lines, and how each is styled."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from rich._palettes import STANDARD_PALETTE
from rich.color import Color, ColorSystem
from textual.app import App
from textual.geometry import Region


class Run(NamedTuple):
    """Characters in a row that look alike."""

    text: str
    ink: str
    ground: str
    attributes: str


Look = list[list[Run]]
"""Line by line."""


def look_of(app: App[Any]) -> Look:
    """What the terminal is given: dialogs, line filters and NO_COLOR included."""
    return [[*_runs(strip)] for strip in app.screen._compositor.render_strips()]


def _runs(strip: Any) -> Iterator[Run]:
    pieces = []
    for text, style, _ in strip:
        if style is None:
            pieces.append(Run(text, "", "", ""))
            continue
        names = ("bold", "italic", "underline", "reverse", "strike", "dim")
        on = "".join(name[0] for name in names if getattr(style, name))
        blank = not text.strip() and not {"u", "r", "s"} & set(on)
        ink = "" if blank else _name(style.color)
        pieces.append(Run(text, ink, _name(style.bgcolor), "" if blank else on))
    for (ink, ground, on), alike in groupby(pieces, key=lambda run: run[1:]):
        yield Run("".join(run.text for run in alike), ink, ground, on)


def _name(color: Color | None) -> str:
    return "" if color is None else color.triplet.hex if color.triplet else color.name


def within(look: Look, region: Region) -> Look:
    """The part of it that a widget takes."""
    lines = []
    for line in look[region.y : region.bottom]:
        place, kept = 0, []
        for run in line:
            start, end = max(region.x - place, 0), max(region.right - place, 0)
            kept.append(run._replace(text=run.text[start:end]))
            place += len(run.text)
        lines.append([run for run in kept if run.text])
    return lines


def text_of(look: Look) -> list[str]:
    """The lines without their styles."""
    return ["".join(run.text for run in line).rstrip() for line in look]


def described(looks: Mapping[str, Look]) -> str:
    """A screen in several themes: each line's text, before it a digest of its styles in each.

    Raises:
        AssertionError: the text differs from theme to theme.
    """
    names = list(looks)
    texts = [text_of(look) for look in looks.values()]
    for name, lines in zip(names, texts, strict=True):
        assert lines == texts[0], f"{name} shows other text than {names[0]}"
    head = " ".join(f"{name:5}" for name in names)
    lines = [f"{head} |"]
    for number, text in enumerate(texts[0]):
        digests = " ".join(f"{_digest(look[number]):5}" for look in looks.values())
        lines.append(f"{digests} |{text}")
    return "\n".join(lines) + "\n"


def _digest(line: Sequence[Run]) -> str:
    place, facts = 0, []
    for run in line:
        place += len(run.text)
        facts.append((place, *run[1:]))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:5]


def in_16_colours(color: str) -> str:
    """What a terminal of 16 colours, as most set them, shows for `color`."""
    number = Color.parse(color).downgrade(ColorSystem.STANDARD).number or 0
    return "#" + "".join(f"{part:02x}" for part in STANDARD_PALETTE[number])


def contrast(ink: str, ground: str) -> float:
    """How well `ink` can be read on `ground`, as WCAG counts it: 1 is not at all, 21 the most."""
    lights = sorted((_light(ink), _light(ground)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _light(color: str) -> float:
    channels = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)  # fmt: skip
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
