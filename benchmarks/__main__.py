"""`python -m benchmarks [--full] [--only SECTION]`: measure, judge, and write RESULTS.md."""

import argparse
import importlib
import time
import traceback

from benchmarks import report
from benchmarks.results import Line, Results
from benchmarks.stage import Stage

# Bloat last: the checkpoint of its million tasks would go on beneath what comes after it.
SECTIONS = {
    "submit": "submitting", "latency": "idle", "drain": "draining", "notify": "waking",
    "claim": "claims", "kinds": "pairs", "fleet": "fleet", "depth": "depth", "scale": "scale",
    "startup": "startup", "app": "app", "gob": "decoding", "bloat": "bloat",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="large tables; takes hours")
    parser.add_argument(
        "--only", action="append", choices=SECTIONS, metavar="SECTION",
        help=f"one of {', '.join(SECTIONS)}; leaves RESULTS.md alone",
    )  # fmt: skip
    options = parser.parse_args()
    results, start = Results(), time.monotonic()
    with Stage() as stage:
        for backend, reason in stage.missing.items():
            print(f"without {backend}: {reason}")
        for name in options.only or SECTIONS:
            begun = time.monotonic()
            print(f"{name}:", flush=True)
            section = importlib.import_module(f"benchmarks.{SECTIONS[name]}")
            try:
                section.run(stage, results, options.full)
            except Exception as error:  # the other sections' figures are worth having
                traceback.print_exc()
                results.lines.append(Line(f"section {name}", f"failed: {error}"[:200], "", False))
            print(f"{name} took {time.monotonic() - begun:.0f} s", flush=True)
    text = report.text(results, full=options.full, seconds=time.monotonic() - start)
    print(report.table(results))
    if not options.only:
        report.write(text, results)


if __name__ == "__main__":
    main()
