"""The pictures of the documentation show today's app, and none is left of an older one."""

import html
import re

import pytest

from screenshots import tour
from screenshots.scenes import SCENES, app_of, play
from screenshots.shop import make_tables, stopped_clock
from tests.support.processes import ROOT, python

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


@pytest.mark.slow
@pytest.mark.parametrize("scene", [s for s in SCENES if s.live], ids=lambda scene: scene.file)
async def test_the_picture_of_a_consumer_shows_what_its_tasks_lead_to(scene, tmp_path, monkeypatch):
    """Real handlers work in it: it differed each time, and once showed a path of the machine."""
    monkeypatch.chdir(tmp_path)
    with stopped_clock():
        make_tables()
        async with app_of(scene).run_test(size=scene.size) as pilot:
            await play(pilot, scene)
            now = pilot.app.export_screenshot()

    assert drawn((PICTURES / f"{scene.file}.svg").read_text()) == drawn(now)


@pytest.mark.slow
async def test_the_animated_session_shows_what_its_keys_lead_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with stopped_clock():
        frames = await tour.play()

    assert tour.written_digest(PICTURES / "tour.gif") == tour.digest(frames)


def test_the_readme_shows_the_session_and_it_loads_fast():
    assert "screenshots/tour.gif" in (ROOT / "README.md").read_text()
    assert (PICTURES / "tour.gif").stat().st_size < 1_000_000


@pytest.mark.slow
def test_without_cairo_the_contact_sheet_says_what_it_needs(start_process, tmp_path):
    """As on a machine that has Python alone."""
    (tmp_path / "cairosvg.py").write_text("raise OSError('no library called \"cairo-2\"')")
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    process = start_process(*python("screenshots/make.py", "sheet"), env=environment)

    assert process.wait(60) == 1
    assert "needs cairosvg and the cairo library" in process.stderr
    assert "Traceback" not in process.stderr


def test_no_picture_is_left_of_a_scene_that_is_no_longer_drawn():
    assert {path.stem for path in PICTURES.glob("*.svg")} == {scene.file for scene in SCENES}
