"""What was typed for one database stays with it, and with its user."""

import stat

from tasq_tui.admin.settings import Settings
from tasq_tui.admin.state import database_folder, read_lines, write_lines

DEV = Settings(url="postgresql://app:secret@db/dev")


def test_history_of_one_database_is_not_offered_on_another():
    """Handlers of dev, loaded on a production profile, would run its tasks."""
    write_lines(DEV, "handlers", ["dev.handlers:all"])

    assert read_lines(DEV, "handlers") == ["dev.handlers:all"]
    assert read_lines(Settings(url="postgresql://me@DB:5432/dev"), "handlers") != []
    assert read_lines(Settings(url="postgresql://app@db/prod"), "handlers") == []
    assert read_lines(Settings(url=DEV.url, prefix="billing"), "handlers") == []


def test_files_and_folders_are_private():
    write_lines(DEV, "filters", ["queue:mail"])

    path = database_folder(DEV) / "filters"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert "secret" not in str(path)


def test_a_state_folder_that_cannot_be_made_is_no_error(monkeypatch):
    monkeypatch.setenv("TASQ_STATE_DIR", "/dev/null/tasq")

    write_lines(DEV, "filters", ["queue:mail"])

    assert read_lines(DEV, "filters") == []


def test_only_the_newest_lines_are_kept():
    write_lines(DEV, "filters", [f"id:{number}" for number in range(300)])

    assert read_lines(DEV, "filters") == [f"id:{number}" for number in range(200, 300)]
