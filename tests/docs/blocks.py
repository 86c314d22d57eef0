"""The code blocks of the documentation, for the tests that run them."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import ROOT

DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block; `name` is what a comment in its first line calls it, "" without one."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """The file that it stands for."""
        first = self.text.partition("\n")[0]
        found = re.fullmatch(r"(?:#|--) ([\w@./]+)", first)
        return found[1] if found else ""

    @property
    def lines(self) -> list[str]:
        """The commands of a shell block."""
        return [line for line in self.text.splitlines() if line.strip()]


def pages() -> list[Path]:
    """Each page of the site but those that are made from the code, and the README."""
    return [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "guides").glob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The blocks of one page, in order."""
    name = str(page.relative_to(DOCS if DOCS in page.parents else ROOT))
    return [
        Block(name, language, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))
        for indent, language, text in _BLOCK.findall(page.read_text("utf-8"))
    ]


def named(page: str, name: str) -> str:
    """The text of the block that a page calls `name`."""
    (text,) = [block.text for block in blocks(DOCS / page) if block.name == name]
    return text
