"""The program of one process, run by its path: `python -P <this file> DESCRIPTOR`.

By path and with -P, so that a `queue.py` or `types.py` beside the user's handlers can't
stand in for the standard library's.
"""

import sys
from pathlib import Path


def _start() -> None:
    root = str(Path(__file__).resolve().parents[3])
    if root not in sys.path:
        sys.path.append(root)
    from tasq_tui.cli.workers.process import main

    main(int(sys.argv[1]))


if __name__ == "__main__":
    _start()
