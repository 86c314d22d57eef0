"""Draws the pictures of the documentation: an SVG of every scene, the same every time.

python screenshots/make.py            all of them
python screenshots/make.py tasks      those whose name begins so
python screenshots/make.py --png      PNGs beside them (git ignores those; needs cairosvg)
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

for _name in [*os.environ]:
    if _name.startswith("TASQ_") or _name in {"NO_COLOR", "FORCE_COLOR", "TEXTUAL_THEME"}:
        del os.environ[_name]
os.environ |= {"TEXTUAL_ANIMATIONS": "none", "TERM": "xterm-256color", "COLORTERM": "truecolor"}

from screenshots.scenes import SCENES, Scene, app_of, make_tables, play, stopped_clock  # noqa: E402

_SCALE = 1.0


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
    import cairosvg

    svg = svg.replace("Fira Code", "DejaVu Sans Mono")  # a font that is installed
    cairosvg.svg2png(bytestring=svg.encode(), write_to=str(path.with_suffix(".png")), scale=_SCALE)


def main(beginnings: list[str]) -> None:
    """Draw the scenes whose names begin so; all without any."""
    png = "--png" in beginnings
    beginnings = [beginning for beginning in beginnings if beginning != "--png"]
    with tempfile.TemporaryDirectory() as folder, stopped_clock():
        os.chdir(folder)
        os.environ |= {"TASQ_STATE_DIR": "state", "TASQ_CONFIG": "config.toml"}
        make_tables()
        for scene in SCENES:
            if not beginnings or scene.name.startswith(tuple(beginnings)):
                Path("state/theme").unlink(missing_ok=True)  # each begins with the same theme
                write(scene, asyncio.run(draw(scene)), png=png)
                print(scene.file)


if __name__ == "__main__":
    main(sys.argv[1:])
