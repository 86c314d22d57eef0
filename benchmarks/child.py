"""Runs one measurement in a process of its own, so that none inherits another's threads or heap.

`python -m benchmarks.child MODULE FUNCTION JSON` calls it and prints its answer as JSON.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_SECONDS = 3600.0


def start(module: str, function: str, **arguments: Any) -> "subprocess.Popen[str]":
    """Start `function(**arguments)` of `benchmarks.MODULE`; `result` waits for it."""
    command = [sys.executable, "-m", "benchmarks.child", module, function, json.dumps(arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def result(child: "subprocess.Popen[str]") -> Any:
    """What the function returned.

    Raises:
        RuntimeError: it raised; shows the end of what it wrote.
    """
    out, err = child.communicate(timeout=TIMEOUT_SECONDS)
    if child.returncode:
        raise RuntimeError(f"{child.args[3:5]} failed:\n{err[-2000:]}")
    return json.loads(out.strip().splitlines()[-1])


def call(module: str, function: str, **arguments: Any) -> Any:
    """`function(**arguments)` of `benchmarks.MODULE`, in a process of its own."""
    return result(start(module, function, **arguments))


def main() -> None:
    module, function, arguments = sys.argv[1:4]
    answer = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    print(json.dumps(answer(**json.loads(arguments))))


if __name__ == "__main__":
    main()
