"""The trash keeps what was deleted, privately and within its bounds; the journal notes it."""

import json
import stat
from datetime import UTC, datetime

import pytest

from tasq_core.errors import InvalidInputError
from tasq_core.reports import MutationResult
from tasq_core.transfer import from_line, to_line
from tasq_tui.admin.audit_log import AuditLog
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.trash import Trash, TrashFullError
from tests.support.builders import make_task, make_tasks

SETTINGS = Settings(url="postgresql://app:secret@db/x", profile="prod")


def discard(trash, *tasks):
    with trash.open(SETTINGS, "p_tasks", "tasq purge --all") as file:
        file.keep(tasks)
    return file


def test_a_deletion_is_listed_with_its_place_its_command_and_its_rows(tmp_path):
    trash = Trash(tmp_path / "deep" / "trash")
    file = discard(trash, *make_tasks(3))

    [entry] = trash.entries()

    assert (entry.path, entry.rows, entry.table) == (file.path, 3, "p_tasks")
    assert entry.command == "tasq purge --all"
    assert entry.target == "postgresql://app:***@db/x"
    assert abs((datetime.now(UTC) - entry.at).total_seconds()) < 60
    assert entry.size == file.path.stat().st_size


def test_only_the_user_can_read_it(tmp_path):
    trash = Trash(tmp_path / "trash")
    file = discard(trash, make_task())

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (trash.folder, file.path)]
    assert modes == [0o700, 0o600]
    assert stat.S_IMODE(file.path.with_suffix(".json").stat().st_mode) == 0o600


def test_its_lines_are_the_tasks(tmp_path):
    trash, task = Trash(tmp_path), make_task(args=b"\x00\xff", last_error="a\u2028b\nc")
    file = discard(trash, task)

    [line] = trash.lines(file.path)

    assert from_line(line) == task


def test_nothing_deleted_leaves_no_file(tmp_path):
    trash = Trash(tmp_path)
    discard(trash)

    assert list(tmp_path.iterdir()) == []
    assert trash.entries() == []


def test_the_oldest_deletions_make_room(tmp_path):
    size = len(to_line(make_task())) + 1
    trash = Trash(tmp_path, capacity=3 * size + 10)
    first, second, third = (discard(trash, make_task()) for _ in range(3))

    fourth = discard(trash, make_task())

    assert not first.path.exists()
    assert not first.path.with_suffix(".json").exists()
    assert [entry.path for entry in trash.entries()] == [fourth.path, third.path, second.path]


def test_a_deletion_larger_than_the_trash_is_refused_and_what_is_kept_stays(tmp_path):
    trash = Trash(tmp_path, capacity=1500)

    with trash.open(SETTINGS, "tasks", "x") as file:
        file.keep(make_tasks(2))
        with pytest.raises(TrashFullError, match="--no-trash"):
            file.keep(make_tasks(20))

    assert len(list(trash.lines(file.path))) == 2


def test_a_deletion_cut_off_by_a_crash_is_still_listed(tmp_path):
    trash = Trash(tmp_path)
    file = trash.open(SETTINGS, "tasks", "x")
    file.keep(make_tasks(2))

    [entry] = trash.entries()

    assert (entry.path, entry.rows, entry.table) == (file.path, 2, "tasks")
    assert len(list(trash.lines(file.path))) == 2
    file.close()


@pytest.mark.parametrize("facts", ['{"kind": "merged"}', '{"rows": null, "kind": []}', "[]", "{"])
def test_facts_that_cant_be_read_hide_no_other_change(facts, tmp_path):
    """One file of a newer version, or half a file, would take away the history."""
    trash = Trash(tmp_path)
    other, file = discard(trash, make_task()), discard(trash, *make_tasks(2))
    file.path.with_suffix(".json").write_text(facts)

    found = {entry.path: entry for entry in trash.entries()}

    assert found[other.path].rows == 1
    if file.path in found:
        assert (found[file.path].kind, found[file.path].rows) == (None, 2)


def test_a_file_that_made_room_says_so(tmp_path):
    with pytest.raises(InvalidInputError, match="no longer in the trash"):
        list(Trash(tmp_path).lines(tmp_path / "gone.ndjson"))


def test_the_journal_reads_back_what_was_noted_newest_first(tmp_path):
    journal = AuditLog(tmp_path / "state" / "journal.jsonl")
    one = journal.note(SETTINGS, "tasq requeue ab", MutationResult(1, 0))
    two = journal.note(SETTINGS, "tasq purge --all", MutationResult(5, 2), "interrupted", "/t")
    with journal.path.open("a") as file:
        file.write("half a li")

    assert journal.last(5) == [two, one]
    assert journal.last(2) == [two]
    assert one.target == "postgresql://app:***@db/x"
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert json.loads(journal.path.read_text().splitlines()[1])["skipped"] == 2


def test_an_empty_journal_has_no_entries(tmp_path):
    assert AuditLog(tmp_path / "journal.jsonl").last(3) == []
