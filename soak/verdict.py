"""How figures differ from the truth, and whether that is explained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from soak.figures import Ends, Figures
from soak.witness import Witness

_MERGED = 30.0
"""A life of fewer seconds between two blind spans is blind: Prometheus may not see that its counters began anew."""


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a figure is too low and too high, and how many failures are wrong, over all job types."""

    lost: int = 0
    doubled: int = 0
    failures: int = 0

    @property
    def is_none(self) -> bool:
        """Whether the figure is the truth."""
        return self == Difference()

    def __str__(self) -> str:
        if self.is_none:
            return "exact"
        return f"-{self.lost} +{self.doubled}" + (f", failures off by {self.failures}" if self.failures else "")


@dataclass(frozen=True, slots=True)
class Increase:
    """What Prometheus makes of it, and how much of a difference the exporters' ends explain."""

    runs: float
    truth: int
    blind: int
    margin: float

    @property
    def is_explained(self) -> bool:
        """Whether it lies where it may."""
        return self.truth - self.blind - self.margin <= self.runs <= self.truth + self.margin

    def __str__(self) -> str:
        return f"{self.runs - self.truth:+,.0f} (may be -{self.blind + self.margin:,.0f} to +{self.margin:,.0f})"


@dataclass(slots=True)
class Verdict:
    """All comparisons, by what was compared and source."""

    ends: Mapping[str, Ends] = field(default_factory=dict)
    differences: dict[str, dict[str, Difference]] = field(default_factory=dict)
    increases: dict[str, Increase] = field(default_factory=dict)
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost or doubled."""
        exact = all(each.is_none for row in self.differences.values() for each in row.values())
        explained = all(each.is_explained for each in self.increases.values())
        witnessed = all(each.unwitnessed == 0 for each in self.witnesses.values())
        return exact and explained and witnessed and not self.troubles


def compare(truth: Figures, figures: Figures, *, cancelled: bool) -> dict[str, Difference]:
    """Set figures beside the truth; some have no *cancelled* jobs."""
    return {source: _of_source(ends, figures.get(source, {}), cancelled) for source, ends in truth.items()}


def total(ends: Mapping[str, Ends]) -> Ends:
    """Add up job types."""
    values = ends.values()
    return Ends(sum(e.runs for e in values), sum(e.failures for e in values), sum(e.cancelled for e in values))


def merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Put blind spans together that overlap, or are so near that the life between them was blind, too."""
    found: list[tuple[float, float]] = []
    for since, until in sorted(spans):
        if found and since < found[-1][1] + _MERGED:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def _of_source(truth: Mapping[str, Ends], figures: Mapping[str, Ends], cancelled: bool) -> Difference:
    lost = doubled = failures = 0
    for job_type in truth.keys() | figures.keys():
        true, said = truth.get(job_type, Ends()), figures.get(job_type, Ends())
        steps = [said.runs - true.runs, *([said.cancelled - true.cancelled] if cancelled else [])]
        lost -= sum(step for step in steps if step < 0)
        doubled += sum(step for step in steps if step > 0)
        failures += abs(said.failures - true.failures)
    return Difference(lost, doubled, failures)
