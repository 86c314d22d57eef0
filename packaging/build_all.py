"""Build both distributions into a folder: sdists, then wheels from the sdists.

A wheel of `tasq-tui` that is built from its sdist asks for `tasq-core` by name and version, so
that it can be uploaded or carried to another machine. Needs hatchling in this environment.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_BUILD_SDIST = (
    "import importlib, sys; sys.path[:0] = sys.argv[1:2]; "
    "print(importlib.import_module(sys.argv[2]).build_sdist(sys.argv[3]))"
)


def build(project: Path, backend: str, into: Path) -> None:
    """Build one project's sdist and, from that, its wheel."""
    command = [sys.executable, "-c", _BUILD_SDIST, str(ROOT / "packaging"), backend, str(into)]
    answer = subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE, text=True)
    sdist = into / answer.stdout.splitlines()[-1]
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        source = Path(folder) / sdist.name.removesuffix(".tar.gz")
        options = ["--no-build-isolation", "--wheel-dir", str(into)]
        subprocess.run([*pip, *options, str(source)], check=True)


def main() -> None:
    """Build both."""
    into = Path(sys.argv[1]).resolve()
    into.mkdir(parents=True, exist_ok=True)
    build(ROOT / "tasq_core", "hatchling.build", into)
    build(ROOT, "tasq_build", into)
    print(*sorted(path.name for path in into.iterdir()), sep="\n")


if __name__ == "__main__":
    main()
