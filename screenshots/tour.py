"""The animated picture: a session, key by key, from what is wrong to its undoing."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from textual.pilot import Pilot

from screenshots.scenes import DEMO, SMALL, Scene, app_of, painted, rest, still
from screenshots.sheet import png_of
from screenshots.shop import make_tables
from tasq_tui.ui.app import CockpitApp

STEPS: Final = (
    ("", "What needs somebody stands first"),
    ("tab", "Tab: the finding under the cursor, to its end"),
    ("enter", "Enter: its evidence; one consumer vanished"),
    ("down", "What each of them runs"),
    ("4", "4: failures, grouped by what they say"),
    ("down", "With the newest example below"),
    ("enter", "Enter: its tasks"),
    ("down", "Every row is one task of millions"),
    ("enter", "Enter: all of it, your own frames stand out"),
    ("escape", "Esc: back to the list"),
    ("ctrl+a", "Ctrl+A: mark all that match"),
    ("r", "r: requeue, after a look at what would change"),
    ("y", "y: done"),
    ("U", "U: and undone, the rows are as they were"),
    ("3", "3: queues and types, with schedules"),
    ("1", "1: and back"),
)
"""A key, and what is seen then."""

_SECONDS: Final = 2.2
_CAPTION: Final = 40
_COLOURS: Final = 48
_GROUND: Final = "#12161C"
_INK: Final = "#F2B84B"


@dataclass(frozen=True, slots=True)
class Frame:
    """What is seen after a key."""

    caption: str
    svg: str
    text: str


async def play() -> list[Frame]:
    """The session on tables of its own, in the working directory.

    The clock must be stopped (`stopped_clock`).
    """
    await asyncio.to_thread(make_tables)
    # A finding is reported whenever health is read again, which is another frame each time.
    app = app_of(Scene("tour", SMALL, settings=replace(DEMO, notifications=False)))
    app.NOTIFICATION_TIMEOUT = 3600.0  # until the next key, however long it takes to draw
    frames = []
    async with app.run_test(size=SMALL) as pilot:
        await rest(pilot)
        for key, caption in STEPS:
            app.clear_notifications()
            if key:
                await pilot.press(key)
            await _done(pilot, app)
            frames.append(Frame(caption, app.export_screenshot(title="tasq"), painted(app)))
    return frames


async def _done(pilot: Pilot[Any], app: CockpitApp) -> None:
    """Wait for what the key began: up to its question, or to its end."""
    await rest(pilot)
    while app.changer.is_busy and app.screen is app.view:
        await pilot.pause(0.02)
    await rest(pilot)
    await still(pilot)


def digest(frames: Sequence[Frame]) -> str:
    """A line a frame, which tells its texts from another's."""
    return "\n".join(
        f"{hashlib.sha256(frame.text.encode()).hexdigest()[:8]} {frame.caption}" for frame in frames
    )


def write(frames: Sequence[Frame], path: Path) -> None:
    """Write the animated GIF; its comment is the session's digest.

    Raises:
        ImportError: there is no cairosvg.
        OSError: there is no cairo library.
    """
    first, *others = [_drawn(frame) for frame in frames]
    times = [round(_SECONDS * 1000)] * len(frames)
    times[0] = times[-1] = 2 * times[0]
    first.save(
        path, save_all=True, append_images=others, duration=times, loop=0, optimize=True,
        comment=digest(frames),
    )  # fmt: skip


def written_digest(path: Path) -> str:
    """The digest of the session that a GIF shows."""
    from PIL import Image

    with Image.open(path) as image:
        comment: Any = image.info.get("comment", b"")
    return bytes(comment).decode()


def _drawn(frame: Frame) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    with Image.open(BytesIO(png_of(frame.svg))) as screen:
        picture = Image.new("RGB", (screen.width, screen.height + _CAPTION), _GROUND)
        picture.paste(screen.convert("RGB"), (0, 0))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(20)
    draw.text((16, picture.height - _CAPTION + 8), frame.caption, fill=_INK, font=font)
    return picture.quantize(_COLOURS, dither=Image.Dither.NONE)
