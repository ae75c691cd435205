"""What was counted since this process started: the counters and histograms."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from exporter.counting.cells import SUBDIVISIONS
from exporter.counting.day import Growth
from jobqueue.catalogue import BUCKETS

_LOWEST_POWER = -7


@dataclass(slots=True)
class Histogram:
    """Runs by Prometheus bucket, and their seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, distribution: Mapping[int, int], seconds: float) -> None:
        """Take in runs by logarithmic bucket; a bound of ours is always the edge of one."""
        for bucket, runs in distribution.items():
            power = -(-bucket // SUBDIVISIONS)
            self.counts[min(max(power - _LOWEST_POWER, 0), len(BUCKETS))] += runs
        self.seconds += seconds

    @property
    def cumulative(self) -> list[int]:
        """A count for each bound of ``BUCKETS``, then that of all runs."""
        return list(accumulate(self.counts))


@dataclass(slots=True)
class Counted:
    """One job type's counters."""

    runs: int = 0
    failures: int = 0
    retries: int = 0
    cancelled: int = 0
    durations: Histogram = field(default_factory=Histogram)
    waits: Histogram = field(default_factory=Histogram)


class SinceStart:
    """A follower of the tally that begins at zero."""

    def __init__(self) -> None:
        self.types: defaultdict[str, Counted] = defaultdict(Counted)

    def add(self, growth: Iterable[Growth]) -> None:
        """Take in what minutes gained."""
        for _, job_type, runs in growth:
            counted = self.types[job_type]
            counted.runs += runs.runs
            counted.failures += runs.failures
            counted.retries += runs.retries
            counted.cancelled += runs.cancelled
            counted.durations.add(runs.durations, runs.run_seconds)
            counted.waits.add(runs.waits, runs.wait_seconds)
