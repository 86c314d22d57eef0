"""The contact sheet: one PNG of every screen, at each size and in each theme."""

from io import BytesIO
from pathlib import Path
from typing import Any

from screenshots.looks import LOOKS, NAMES, THEMES, in_each_theme
from screenshots.scenes import LARGE, MEDIUM, SMALL, app_of, play

NEEDED = "needs cairosvg and the cairo library: pip install cairosvg; apt install libcairo2"
_SIZES = (SMALL, MEDIUM, LARGE)
_CELL = 3.4
"""Pixels of the sheet for a column of a terminal."""
_GAP = 24
_HEAD = 40
_GROUND = "#2B2F36"
_INK = "#D8DEE9"

Picture = tuple[str, tuple[int, int], str]
"""A screen's name, the size, the theme."""


def png_of(svg: str, scale: float = 1.0) -> bytes:
    """A picture of the app as PNG.

    Raises:
        ImportError: there is no cairosvg.
        OSError: there is no cairo library.
    """
    import cairosvg

    svg = svg.replace("Fira Code", "DejaVu Sans Mono")  # a font that is installed
    png: bytes = cairosvg.svg2png(bytestring=svg.encode(), scale=scale)
    return png


async def pictures() -> dict[Picture, str]:
    """Every look as SVG."""
    found: dict[Picture, str] = {}
    for scene in LOOKS:
        app = app_of(scene)
        async with app.run_test(size=scene.size) as pilot:
            await play(pilot, scene)
            async for theme in in_each_theme(pilot):
                found[scene.name, scene.size, theme] = app.export_screenshot(title=scene.name)
    return found


def compose(found: dict[Picture, str], path: Path) -> None:
    """Write the sheet: a row for each screen, in it each theme in each size.

    Raises:
        ImportError: there is no cairosvg.
        OSError: there is no cairo library.
    """
    from PIL import Image, ImageDraw, ImageFont

    small = {picture: _shrunk(svg, picture[1][0]) for picture, svg in found.items()}
    columns = [(theme, size) for theme in THEMES for size in _SIZES]
    widths = [small[NAMES[0], size, theme].width for theme, size in columns]
    heights = [max(small[name, size, theme].height for theme, size in columns) for name in NAMES]
    total = (sum(widths) + _GAP * (len(widths) + 1), _HEAD + sum(heights) + _GAP * len(heights))
    sheet = Image.new("RGB", total, _GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    lefts = [_GAP + sum(widths[:n]) + _GAP * n for n in range(len(widths))]
    for left, (theme, (wide, high)) in zip(lefts, columns, strict=True):
        draw.text((left, _GAP // 2), f"{theme} {wide}x{high}", fill=_INK, font=font)
    top = _HEAD
    for name, height in zip(NAMES, heights, strict=True):
        for left, (theme, size) in zip(lefts, columns, strict=True):
            sheet.paste(small[name, size, theme], (left, top))
        top += height + _GAP
    sheet.quantize(128).save(path, optimize=True)


def _shrunk(svg: str, columns: int) -> Any:
    from PIL import Image

    full = Image.open(BytesIO(png_of(svg)))
    full.load()
    width = round(columns * _CELL)
    return full.convert("RGB").resize((width, round(full.height * width / full.width)), 1)
