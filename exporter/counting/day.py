"""The last 24 hours of each job type, kept up to date by what comes in and what leaves."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from exporter.counting.cells import Distribution
from exporter.counting.runs import Runs, latest

MINUTES_OF_DAY = 24 * 60

Growth = tuple[int, str, Runs]
"""A minute since the epoch, a job type, and what is added to them."""


@dataclass(slots=True)
class DayOfType:
    """One job type's finished runs of the last 24 hours; the last run and success may be older."""

    runs: int = 0
    failures: int = 0
    durations: Distribution = field(default_factory=Distribution)
    maxima: list[tuple[int, float]] = field(default_factory=list)
    """``(minute, longest run)``, minutes rising and seconds falling: who leads when the ones before have left."""
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    failing_since: datetime | None = None
    """The first failed run after the newest success, to the minute; None when the newest run succeeded."""

    @property
    def longest(self) -> float | None:
        """Seconds of the longest run, exact; None without runs."""
        return self.maxima[0][1] if self.maxima else None

    def note_last(self, run: datetime | None, success: datetime | None) -> None:
        """Let a last run and a last success compete with those known."""
        self.last_run_at = latest(self.last_run_at, run)
        self.last_success_at = latest(self.last_success_at, success)
        if self._succeeded_since(self.failing_since):
            self.failing_since = None if self._succeeded_since(self.last_run_at) else self.last_run_at

    def note_failure(self, at: datetime | None) -> None:
        """Let a failed run compete with the first one since the newest success."""
        if at is not None and not self._succeeded_since(at):
            self.failing_since = min(at, self.failing_since or at)

    def _succeeded_since(self, moment: datetime | None) -> bool:
        return moment is not None and self.last_success_at is not None and self.last_success_at >= moment

    def note_longest(self, minute: int, seconds: float) -> None:
        """Let a minute's longest run compete with the others'."""
        place = bisect_left(self.maxima, (minute,))
        if any(other >= seconds for _, other in self.maxima[place:]):
            return
        same_minute = place < len(self.maxima) and self.maxima[place][0] == minute
        earlier = [entry for entry in self.maxima[:place] if entry[1] > seconds]
        self.maxima = [*earlier, (minute, seconds), *self.maxima[place + same_minute :]]

    def forget_before(self, minute: int) -> None:
        """Let earlier minutes' longest runs leave."""
        self.maxima = self.maxima[bisect_left(self.maxima, (minute,)) :]


class Day:
    """All job types' last 24 hours: whole minutes from ``first_minute`` on."""

    def __init__(self, first_minute: int) -> None:
        self.first_minute = first_minute
        self.types: dict[str, DayOfType] = {}

    def of(self, job_type: str) -> DayOfType:
        """One job type's day, empty when it is new."""
        return self.types.setdefault(job_type, DayOfType())

    def add(self, growth: Iterable[Growth]) -> None:
        """Take in what minutes gained."""
        for minute, job_type, runs in growth:
            day = self.of(job_type)
            day.note_last(runs.last_run_at, runs.last_success_at)
            if runs.failures:
                day.note_failure(runs.last_run_at)
            if minute < self.first_minute:
                continue
            day.runs += runs.runs
            day.failures += runs.failures
            day.durations.update(runs.durations)
            if runs.run_max is not None:
                day.note_longest(minute, runs.run_max)

    def leave(self, first_minute: int, leaving: Iterable[Growth]) -> None:
        """Move the window on to *first_minute*; *leaving* are the minutes before it."""
        for _, job_type, runs in leaving:
            day = self.types.get(job_type)
            if day is None:
                continue
            day.runs = max(0, day.runs - runs.runs)
            day.failures = max(0, day.failures - runs.failures)
            day.durations -= runs.durations
        self.first_minute = first_minute
        for day in self.types.values():
            day.forget_before(first_minute)
