"""gob: how many structs of about 1 kB one core decodes."""

from benchmarks import gob
from benchmarks.results import Results
from benchmarks.stage import Stage
from tasq_core.args.gob import decode, encode

SECTION = "gob"


def run(stage: Stage, results: Results, full: bool) -> None:  # noqa: ARG001 - as every section
    for name, value in (("struct", gob.order()), ("map[string]any", gob.plain())):
        raw = encode(value)
        decoded, encoded = gob.rate(decode, raw), gob.rate(encode, value)
        size = f"{name} of {len(raw):,} bytes"
        results.show(SECTION, size, f"decode **{decoded:,.0f}**/s, encode **{encoded:,.0f}**/s")
        if name == "struct":
            results.judge_least(f"gob decode, {size}", decoded, 30_000, "/s")
