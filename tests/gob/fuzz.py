"""Coverage-guided fuzzing of the decoder: `pip install atheris`, then

    python -m tests.gob.fuzz -max_len=4096 -max_total_time=600 CORPUS

from the repository's root, where CORPUS is a folder for what it finds (may be empty). It
starts from the golden vectors. pytest doesn't run this; `test_hostile.py` holds what it found.
"""

import sys
from pathlib import Path

from tasq_core.errors import ArgsDecodeError


def one_input(data):
    """A stream is decoded or refused; anything else is a bug."""
    from tasq_core.args import gob

    try:
        gob.decode(data)
        gob.describe(data)
    except ArgsDecodeError:
        return


def main():
    try:
        import atheris
    except ImportError:
        sys.exit("fuzzing needs atheris: pip install atheris")
    with atheris.instrument_imports():
        from tasq_core.args import gob  # noqa: F401 - loaded here to be instrumented
    from tests.gob import vectors

    if len(sys.argv) > 1 and not sys.argv[-1].startswith("-"):
        corpus = Path(sys.argv[-1])
        corpus.mkdir(parents=True, exist_ok=True)
        for vector in vectors.load():
            (corpus / vector["name"]).write_bytes(vector["raw"])
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
