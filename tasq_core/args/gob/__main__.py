"""`python -m tasq_core.args.gob FILE` prints a gob stream's first value as JSON.

`-` reads standard input; `--tree` prints it with its Go types. Exit status: 0 done,
1 no gob or an unreadable file, 2 wrong usage.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tasq_core.args.gob import decode, describe, to_json
from tasq_core.errors import ArgsDecodeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tasq_core.args.gob",
        description="Print the first value of a Go gob stream as JSON.",
    )
    parser.add_argument("file", help="a file of gob bytes, or - for standard input")
    parser.add_argument("--tree", action="store_true", help="print a tree with Go's types")
    options = parser.parse_args(arguments)
    try:
        data = sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes()
        if options.tree:
            text = describe(data)
        else:
            text = json.dumps(to_json(decode(data)), ensure_ascii=False, indent=2)
    except (OSError, ArgsDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        sys.stdout.buffer.write(f"{text}\n".encode())
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
