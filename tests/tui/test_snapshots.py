import pytest

from screenshots.scenes import SCENES, app_of, play
from screenshots.shop import make_tables, stopped_clock

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    with pytest.MonkeyPatch.context() as patch, stopped_clock():
        patch.chdir(folder)
        make_tables()
    return folder


STILL = [scene for scene in SCENES if not scene.live]


@pytest.mark.parametrize("scene", STILL, ids=lambda scene: scene.file)
def test_the_screen_looks_as_it_did(scene, tables, snap_compare, monkeypatch):
    monkeypatch.chdir(tables)
    with stopped_clock():
        assert snap_compare(
            app_of(scene), terminal_size=scene.size, run_before=lambda pilot: play(pilot, scene)
        )
