"""What the README prints must run: a newcomer who pastes it and sees an error leaves."""

import re
import signal
from pathlib import Path

import pytest

from tests.support.processes import python

ROOT = Path(__file__).resolve().parents[2]


def library_example() -> str:
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    return blocks[0]


def test_the_library_example_runs_as_printed(database, start_process, tmp_path):
    example = library_example()
    assert '"sqlite:///tasks.db"' in example
    program = tmp_path / "example.py"
    program.write_text(example.replace('"sqlite:///tasks.db"', f'"{database.url}", prefix="{database.prefix}"'))  # fmt: skip

    process = start_process(*python(str(program)), cwd=tmp_path)
    process.wait_for_output("sent to a@b.c")
    process.signal(signal.SIGTERM)

    assert process.wait() == 0, str(process)
    rows = database.execute(f"SELECT status FROM {database.table}")
    assert [str(status) for (status,) in rows] == ["SUCCESSFUL"]


def test_every_relative_link_of_the_documents_leads_somewhere():
    for document in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.slow
def test_every_command_of_the_readmes_session_ends_as_it_should(start_process):
    process = start_process(*python("docs/transcript.py", "--check"))

    assert process.wait(60) == 0, str(process)
