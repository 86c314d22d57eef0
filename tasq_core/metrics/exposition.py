"""Samples as text, in Prometheus' format 0.0.4 or in OpenMetrics 1.0."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tasq_core.metrics.catalogue import Metric

Value = float | tuple[float, ...]
"""A number; of a histogram its sum, then how many fell into each bucket, infinity's last."""
Samples = dict[str, dict[tuple[str, ...], Value]]
"""By a metric's name, the values by those of its labels, in the catalogue's order."""

PROMETHEUS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

OTHER: Final = "other"
"""The label of what is counted together because there are too many names."""
LONGEST_LABEL: Final = 128
"""Characters of a label's value; a longer one is cut."""

# What a terminal would interpret, and what splits or turns lines round where they are shown.
_UNSAFE: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def label(text: str) -> str:
    """`text` as a label's value: control characters written as escapes, and not too long."""
    if len(text) > LONGEST_LABEL:
        text = f"{text[: LONGEST_LABEL - 1]}…"
    return _UNSAFE.sub(_visible, text)


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004


def put(samples: Samples, name: str, labels: Iterable[str], value: Value) -> None:
    """Add a value under `labels`, which may be any text; to what equal labels have already."""
    found = samples.setdefault(name, {})
    key = tuple(map(label, labels))
    before = found.get(key)
    found[key] = value if before is None else _both(before, value, "sum")


def render(metrics: Iterable[Metric], samples: Samples, *, open_metrics: bool = False) -> str:
    """The samples as text, in the order of `metrics`; one without samples is left out."""
    lines: list[str] = []
    for metric in metrics:
        found = samples.get(metric.name)
        if not found:
            continue
        family = metric.name
        if open_metrics and metric.kind == "counter":
            family = family.removesuffix("_total")
        lines.append(f"# HELP {family} {_escaped(metric.help)}")
        lines.append(f"# TYPE {family} {metric.kind}")
        if open_metrics and metric.unit == "seconds":
            lines.append(f"# UNIT {family} seconds")
        for values in sorted(found):
            names = dict(zip(metric.labels, values, strict=True))
            lines += (
                f"{name}{_labels(labels)} {value!r}"
                for name, labels, value in _lines(metric, names, found[values])
            )
    if open_metrics:
        lines.append("# EOF")
    return "".join(f"{line}\n" for line in lines)


def flat(
    metrics: Iterable[Metric], samples: Samples
) -> Iterator[tuple[str, dict[str, str], float]]:
    """Every sample as (name, labels, value), a histogram's buckets and count included."""
    for metric in metrics:
        for values, value in sorted(samples.get(metric.name, {}).items()):
            yield from _lines(metric, dict(zip(metric.labels, values, strict=True)), value)


def merge(metrics: Iterable[Metric], parts: Iterable[Samples]) -> Samples:
    """The samples of several processes as one: equal labels are added up, or the largest kept."""
    merges = {metric.name: metric.merge for metric in metrics}
    merged: Samples = {}
    for part in parts:
        for name, found in part.items():
            into = merged.setdefault(name, {})
            for labels, value in found.items():
                before = into.get(labels)
                into[labels] = value if before is None else _both(before, value, merges.get(name))
    return merged


def _both(one: Value, other: Value, how: str | None) -> Value:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return tuple(a + b for a, b in zip(one, other, strict=True))
    if isinstance(one, tuple) or isinstance(other, tuple):
        return one
    return max(one, other) if how == "max" else one + other


def _lines(
    metric: Metric, labels: dict[str, str], value: Value
) -> Iterator[tuple[str, dict[str, str], float]]:
    if not isinstance(value, tuple):
        yield metric.name, labels, float(value)
        return
    total, *counts = value
    below = 0.0
    bounds = [*(repr(float(bound)) for bound in metric.bounds), "+Inf"]
    for bound, count in zip(bounds, counts, strict=True):
        below += count
        yield f"{metric.name}_bucket", {**labels, "le": bound}, below
    yield f"{metric.name}_count", labels, below
    yield f"{metric.name}_sum", labels, float(total)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
