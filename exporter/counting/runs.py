"""What is known about the finished jobs of one type in one stretch of time, and its arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, TypeVar

from exporter.counting.cells import Distribution, unpack
from jobqueue.rows import MinuteRuns

Ordered = TypeVar("Ordered", float, datetime)


@dataclass(slots=True)
class Runs:
    """Finished jobs added up: ``runs`` are completed and failed ones, cancelled jobs stand apart.

    Seconds throughout; ``durations`` and ``waits`` count runs by logarithmic bucket.
    """

    runs: int = 0
    failures: int = 0
    retries: int = 0
    cancelled: int = 0
    run_seconds: float = 0.0
    run_max: float | None = None
    wait_seconds: float = 0.0
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    durations: Distribution = field(default_factory=Distribution)
    waits: Distribution = field(default_factory=Distribution)

    @classmethod
    def read(cls, row: MinuteRuns) -> Self:
        """Take over a row of an engine's answer."""
        return cls(
            row.runs,
            row.failures,
            row.retries,
            row.cancelled,
            row.run_seconds,
            row.run_max,
            row.wait_seconds,
            row.last_run_at,
            row.last_success_at,
            *unpack(row.cells),
        )

    @classmethod
    def total(cls, parts: Iterable["Runs"]) -> Self:
        """Add up separate stretches of time."""
        total = cls()
        for part in parts:
            total.add(part)
        return total

    @property
    def finished(self) -> int:
        """How many rows stand behind this."""
        return self.runs + self.cancelled

    def add(self, other: "Runs") -> None:
        """Take in another stretch of time."""
        self.runs += other.runs
        self.failures += other.failures
        self.retries += other.retries
        self.cancelled += other.cancelled
        self.run_seconds += other.run_seconds
        self.run_max = latest(self.run_max, other.run_max)
        self.wait_seconds += other.wait_seconds
        self.last_run_at = latest(self.last_run_at, other.last_run_at)
        self.last_success_at = latest(self.last_success_at, other.last_success_at)
        self.durations.update(other.durations)
        self.waits.update(other.waits)

    def greatest(self, other: "Runs") -> "Runs":
        """Of two views of the same stretch, the greater figure each: neither can have seen too much."""
        if not other.finished:  # most have no other view: a day's history would be copied again and again
            return self
        return Runs(
            max(self.runs, other.runs),
            max(self.failures, other.failures),
            max(self.retries, other.retries),
            max(self.cancelled, other.cancelled),
            max(self.run_seconds, other.run_seconds),
            latest(self.run_max, other.run_max),
            max(self.wait_seconds, other.wait_seconds),
            latest(self.last_run_at, other.last_run_at),
            latest(self.last_success_at, other.last_success_at),
            self.durations | other.durations,
            self.waits | other.waits,
        )

    def growth_since(self, earlier: "Runs") -> "Runs":
        """What was added to an *earlier* view of the same stretch; the longest and the last stay as they are.

        No figure is negative: a counter that falls would be read as a restart.
        """
        if not earlier.finished:
            return self
        return Runs(
            max(0, self.runs - earlier.runs),
            max(0, self.failures - earlier.failures),
            max(0, self.retries - earlier.retries),
            max(0, self.cancelled - earlier.cancelled),
            max(0.0, self.run_seconds - earlier.run_seconds),
            self.run_max,
            max(0.0, self.wait_seconds - earlier.wait_seconds),
            self.last_run_at,
            self.last_success_at,
            self.durations - earlier.durations,
            self.waits - earlier.waits,
        )


def latest(one: Ordered | None, other: Ordered | None) -> Ordered | None:
    """The greater of two values, of which either may be missing."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
