"""The pictures of the documentation show today's app, and none is left of an older one."""

import html
import re

import pytest

from screenshots.scenes import SCENES
from tests.support.processes import ROOT

PICTURES = ROOT / "screenshots"
SNAPSHOTS = ROOT / "tests" / "tui" / "__snapshots__" / "test_snapshots"
_RULE = re.compile(r"-?(r\d+) { (.+?) }")
_TEXT = re.compile(r'<text class="terminal-\d*-?(r\d+)" x="([\d.]+)" y="([\d.]+)".*?>(.*?)</text>')
_CELL = 12.2


def drawn(svg: str) -> dict[tuple[float, int], tuple[str, str]]:
    """Each character's place, and how it looks; SVGs may cut a line into other pieces."""
    styles = dict(_RULE.findall(svg))
    cells = {}
    for rule, x, y, text in _TEXT.findall(svg):
        for place, letter in enumerate(html.unescape(text).replace("\xa0", " ")):
            if letter != " ":
                cells[float(y), round(float(x) / _CELL) + place] = (letter, styles[rule])
    return cells


@pytest.mark.parametrize("scene", [s for s in SCENES if not s.live], ids=lambda scene: scene.file)
def test_the_picture_shows_what_the_snapshot_holds(scene):
    """Else the README shows an app that nobody gets; `make screenshots` draws it anew."""
    picture = (PICTURES / f"{scene.file}.svg").read_text()
    snapshot = (SNAPSHOTS / f"test_the_screen_looks_as_it_did[{scene.file}].svg").read_text()
    cells = drawn(picture)

    assert len(cells) > 100
    assert cells == drawn(snapshot)


def test_no_picture_is_left_of_a_scene_that_is_no_longer_drawn():
    assert {path.stem for path in PICTURES.glob("*.svg")} == {scene.file for scene in SCENES}
