"""The tree names no machine it was written on, and no place packages came from."""

import re
import subprocess

import pytest

from tests.support.processes import ROOT

_BUILT = {".venv", ".git", "dist", "build", "node_modules"}
_IMAGES = {".png", ".gif", ".ico", ".db"}

# "[/]" keeps the patterns from matching themselves
MACHINE_PATH = re.compile(
    r"(?<![\w.~])[/](?:work|root|home/[a-z]\w*|Users/[A-Za-z]\w*|tmp/[a-z]+|opt/(?!homebrew)\w+)[/]"
)
REGISTRY = re.compile(
    r"https?://[^\s/]*(?:pypi|pythonhosted|registry|artifact|nexus|mirror)"
    r"|[-]-(?:extra-)?index-url|[-]-find-links|[-]-trusted-host"
)


def _tracked():
    """What git knows or would take; without git, all that isn't built."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not _BUILT & set(path.parts)]
    return [path for path in paths if path.is_file() and path.suffix not in _IMAGES]


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, REGISTRY], ids=["machine paths", "package registries"]
)
def test_no_file_names(pattern):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in _tracked()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []


def test_the_patterns_would_find_one():
    assert MACHINE_PATH.search(f"open('{'/'}home/ada/x')")
    assert REGISTRY.search(f"http{'s'}://pypi.example.org/x")
    assert not MACHINE_PATH.search("#!/usr/bin/env python")
