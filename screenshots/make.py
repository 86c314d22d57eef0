"""Draws the pictures of the documentation: an SVG of every scene, the same every time.

python screenshots/make.py            all of them, the contact sheet and the animated session
python screenshots/make.py tasks      those whose name begins so
python screenshots/make.py sheet      the contact sheet alone
python screenshots/make.py tour       the animated session alone, tour.gif
python screenshots/make.py --png      PNGs beside them

git ignores PNGs. They and the session need cairosvg, without which only SVGs are drawn.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

for _name in [*os.environ]:
    if _name.startswith("TASQ_") or _name in {"NO_COLOR", "FORCE_COLOR", "TEXTUAL_THEME"}:
        del os.environ[_name]
os.environ |= {"TEXTUAL_ANIMATIONS": "none", "TERM": "xterm-256color", "COLORTERM": "truecolor"}

from screenshots import tour  # noqa: E402
from screenshots.scenes import SCENES, Scene, app_of, play  # noqa: E402
from screenshots.sheet import NEEDED, compose, pictures, png_of  # noqa: E402
from screenshots.shop import make_tables, stopped_clock  # noqa: E402

SHEET = HERE / "contact-sheet.png"
TOUR = HERE / "tour.gif"


async def draw(scene: Scene) -> str:
    """The scene as SVG."""
    app = app_of(scene)
    async with app.run_test(size=scene.size) as pilot:
        await play(pilot, scene)
        return app.export_screenshot(title="tasq")


def write(scene: Scene, svg: str, *, png: bool) -> None:
    """Write the SVG and, if asked for, its PNG."""
    path = HERE / f"{scene.file}.svg"
    path.write_text(svg, encoding="utf-8")
    if not png:
        return
    path.with_suffix(".png").write_bytes(png_of(svg))


def can_paint() -> bool:
    """Whether SVGs can be made pixels here; says why not."""
    try:
        png_of("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>")
    except (ImportError, OSError) as error:
        why = str(error).partition("\n")[0]
        print(f"no contact sheet, no animated session: it {NEEDED} ({why})", file=sys.stderr)
        return False
    return True


def main(beginnings: list[str]) -> int:
    """Draw the scenes whose names begin so; all of them, the sheet and the tour without any.

    Returns:
        The exit code: 1 where the sheet or the tour was asked for by name and can't be drawn.
    """
    png = "--png" in beginnings
    beginnings = [beginning for beginning in beginnings if beginning != "--png"]
    pixels = [name for name in ("sheet", "tour") if not beginnings or name in beginnings]
    with stopped_clock():
        with own_folder():
            make_tables()
            for scene in SCENES:
                if not beginnings or scene.name.startswith(tuple(beginnings)):
                    Path("state/theme").unlink(missing_ok=True)  # each begins with the same theme
                    write(scene, asyncio.run(draw(scene)), png=png)
                    print(scene.file)
            if pixels and not can_paint():
                return 1 if beginnings else 0
            if "sheet" in pixels:
                compose(asyncio.run(pictures()), SHEET)
                print(SHEET.name)
        if "tour" in pixels:
            with own_folder():
                tour.write(asyncio.run(tour.play()), TOUR)
                print(TOUR.name)
    return 0


@contextmanager
def own_folder() -> Iterator[None]:
    """Work in an empty folder, with its own state."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= {"TASQ_STATE_DIR": "state", "TASQ_CONFIG": "config.toml"}
        try:
            yield
        finally:
            os.chdir(HERE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
