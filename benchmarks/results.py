"""What a run found: each line judged against its target, and the rows behind it."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

ROUNDS = 3


@dataclass
class Line:
    """One line of the table of figures to reach; `reached` None means it wasn't measured."""

    what: str
    figure: str
    reach: str
    reached: bool | None


@dataclass
class Results:
    """The lines and tables of one run, in the order they were found.

    Attributes:
        medians: every measured median by (section, name).
        growth: rows -> {what: milliseconds}, by backend.
    """

    lines: list[Line] = field(default_factory=list)
    medians: dict[tuple[str, str], float] = field(default_factory=dict)
    rows: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    growth: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)

    def measure(
        self, section: str, contenders: dict[str, Callable[[], float]], unit: str = "/s"
    ) -> None:
        """Run every contender once a round, side by side, and keep the medians."""
        found: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, run in contenders.items():
                found[name].append(run())
        for name, values in found.items():
            self.keep(section, name, values, unit)

    def keep(self, section: str, name: str, values: list[float], unit: str) -> None:
        """The median of `values` as the figure of `name`; shown with their spread."""
        middle = statistics.median(values)
        self.medians[section, name] = middle
        spread = f"{number(min(values))} to {number(max(values))}"
        self.show(section, name, f"**{number(middle)}** {unit} ({spread})")

    def show(self, section: str, name: str, text: str) -> None:
        """A row of the section's table, told at once to whoever watches."""
        self.rows.setdefault(section, []).append((name, text))
        print(f"  {section}: {name}: {text}", flush=True)

    def value(self, section: str, name: str) -> float | None:
        """A median; None if it wasn't measured."""
        return self.medians.get((section, name))

    def judge_ratio(self, what: str, section: str, ours: str, other: str, least: float) -> None:
        """Is `ours` at least `least` times `other`?"""
        mine, theirs = self.value(section, ours), self.value(section, other)
        if mine is None or theirs is None:
            self.lines.append(Line(what, "not measured", f"≥ {least:g} times", None))
            return
        ratio = mine / theirs
        figure = f"{ratio:.2f} times ({number(mine)} to {number(theirs)})"
        self.lines.append(Line(what, figure, f"≥ {least:g} times", ratio >= least))

    def judge_most(self, what: str, value: float | None, most: float, unit: str) -> None:
        """Is `value` at most `most`?"""
        if value is None:
            self.lines.append(Line(what, "not measured", f"≤ {most:g} {unit}", None))
            return
        self.lines.append(
            Line(what, f"{number(value)} {unit}", f"≤ {most:g} {unit}", value <= most)
        )

    def judge_beside(self, what: str, mine: float, theirs: float, most: float) -> None:
        """Is `mine` at most `most` times `theirs`?"""
        figure = f"{mine / theirs:.2f} times ({number(mine)} to {number(theirs)})"
        self.lines.append(Line(what, figure, f"≤ {most:g} times", mine <= most * theirs))

    def judge_least(self, what: str, value: float | None, least: float, unit: str) -> None:
        """Is `value` at least `least`?"""
        if value is None:
            self.lines.append(Line(what, "not measured", f"≥ {least:,g} {unit}", None))
            return
        self.lines.append(
            Line(what, f"{number(value)} {unit}", f"≥ {least:,g} {unit}", value >= least)
        )


def number(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
