"""Every screen at three sizes in three themes, and without colours.

A pane that overflows, a column out of line or text that can't be read shows here first. The
pictures are text: a line's words, before it a digest of its styles in each theme.
`pytest tests/tui/test_looks.py --snapshot-update` renews them; `make screenshots` draws them.
"""

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.geometry import Region

from screenshots.looks import LOOKS, in_each_theme
from screenshots.scenes import SMALL, app_of, play
from screenshots.shop import make_tables, stopped_clock
from tests.tui.looking import contrast, described, in_16_colours, look_of, within

pytestmark = pytest.mark.slow

LETTERS = 4.5
"""The contrast that WCAG asks for in text (level AA)."""
FAINT = 3.0
"""The same for what can't be used now, and among 16 colours that each terminal sets itself."""


class AsText(SingleFileSnapshotExtension):
    """A file a screen."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("looks")
    with pytest.MonkeyPatch.context() as patch, stopped_clock():
        patch.chdir(folder)
        make_tables()
    return folder


@pytest.mark.parametrize("scene", LOOKS, ids=lambda scene: scene.file)
async def test_the_screen_looks_as_it_did_in_each_theme(scene, tables, monkeypatch, snapshot):
    monkeypatch.chdir(tables)
    with stopped_clock():
        async with app_of(scene).run_test(size=scene.size) as pilot:
            await play(pilot, scene)
            looks, faint = {}, set[str]()
            async for theme in in_each_theme(pilot):
                looks[theme] = look_of(pilot.app)
                faint.add(pilot.app.get_css_variables()["text-disabled"].lower())
            region = top(pilot.app)

    assert described(looks) == snapshot(extension_class=AsText)
    for theme, look in looks.items():
        assert unreadable(theme, within(look, region), faint) == []


@pytest.mark.parametrize(
    "scene", [scene for scene in LOOKS if scene.size == SMALL], ids=lambda scene: scene.file
)
async def test_without_colours_the_screen_says_the_same(scene, tables, monkeypatch, snapshot):
    monkeypatch.chdir(tables)
    monkeypatch.setenv("NO_COLOR", "1")
    with stopped_clock():
        async with app_of(scene).run_test(size=scene.size) as pilot:
            await play(pilot, scene)
            look = look_of(pilot.app)

    assert described({"none": look}) == snapshot(extension_class=AsText)
    assert {
        colour for line in look for run in line for colour in run[1:3] if not is_grey(colour)
    } == set()


def is_grey(colour: str) -> bool:
    return not colour.startswith("#") or len({colour[1:3], colour[3:5], colour[5:7]}) == 1


def top(app) -> Region:
    """Where what is on top stands: a dialog dims all around it."""
    screen = app.screen
    return screen.children[0].region if screen.is_modal else screen.region


def unreadable(theme: str, look, faint: set[str]) -> list[str]:
    """Words of which the colour is too near the ground's."""
    found = []
    for run in (run for line in look for run in line if any(map(str.isalnum, run.text))):
        ink, ground = (in_16_colours(c) if theme == "ansi" else c for c in run[1:3])
        least = FAINT if theme == "ansi" or run.ink in faint else LETTERS
        if contrast(ink, ground) < least:
            found.append(f"{theme}: {run}: {contrast(ink, ground):.1f}")
    return found
