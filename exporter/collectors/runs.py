"""What finished: counters and histograms since the start, figures of the last 24 hours."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from time import monotonic

from exporter.abilities import Can
from exporter.counting.cells import percentile
from exporter.counting.day import DayOfType
from exporter.counting.late import LateRuns
from exporter.counting.since_start import Counted, SinceStart
from exporter.counting.tally import Tally
from exporter.counting.times import moment
from exporter.job_types import JobTypes
from exporter.samples import HistogramSample, Sample, Samples, at
from jobqueue.catalogue import (
    CANCELLED,
    DAY_FAILURES,
    DAY_MAX,
    DAY_P50,
    DAY_P95,
    DAY_RUNS,
    DAY_START,
    DAY_SUCCESS_RATIO,
    LAST_RUN,
    LAST_SUCCESS,
    RUN_DURATION,
    RUN_FAILURES,
    RUN_RETRIES,
    RUN_WAIT,
    RUNS,
    RUNS_LATE,
)
from jobqueue.engine import Capability


class RunsCollector:
    """Polls the tally, and shows what it counted; nothing where completed runs leave no trace.

    The counters of a new job type stand at 0 for *scrape_interval* seconds: Prometheus' ``increase`` counts from where
    it first saw a series, so what had happened before would never have happened for an alert.
    """

    name = "runs"
    share = 0.01

    def __init__(
        self,
        tally: Tally,
        late: LateRuns,
        since_start: SinceStart,
        job_types: JobTypes,
        can: Can,
        scrape_interval: float,
    ) -> None:
        self._tally = tally
        self._late = late
        self._scrape_interval = scrape_interval
        self._shown_since: dict[str, float] = {}
        self._since_start = since_start
        self._job_types = job_types
        self._can = can

    async def collect(self) -> Samples:
        """Count what finished since the last poll."""
        leave_a_trace = self._can(Capability.COMPLETIONS)
        await self._tally.poll(kept=leave_a_trace)
        if not leave_a_trace:
            return ()
        await self._late.look_when_due()
        unknown = {
            metric
            for metric, capability in ((RUN_WAIT, Capability.WAITS), (RUN_RETRIES, Capability.RETRIES))
            if not self._can(capability)
        }
        day, counted = self._tally.day, self._since_start.types
        in_day = {job_type for job_type, of_type in day.types.items() if of_type.runs}
        self._job_types.see(self.name, in_day | counted.keys())
        samples: list[Sample | HistogramSample] = [
            *at(DAY_START, (), self._window_start()),
            Sample(RUNS_LATE, (), self._late.found),
        ]
        for job_type in self._job_types.known:
            of_type = None if self._is_new(job_type) else counted.get(job_type)
            figures = _samples(job_type, of_type or Counted(), day.types.get(job_type) or DayOfType())
            samples += (sample for sample in figures if sample.metric not in unknown)
            await asyncio.sleep(0)  # hundreds of types take a while, and a scrape shall not wait for them
        return tuple(samples)

    def forget(self, job_type: str) -> None:
        """Let a job type begin at 0 again, should it come back under its own label."""
        self._since_start.types.pop(job_type, None)
        self._shown_since.pop(job_type, None)

    def _is_new(self, job_type: str) -> bool:
        now = monotonic()
        return now - self._shown_since.setdefault(job_type, now) < self._scrape_interval

    def _window_start(self) -> datetime | None:
        begin = self._tally.anchor.counted_from
        return begin and max(begin, moment(self._tally.day.first_minute))


def _samples(job_type: str, counted: Counted, day: DayOfType) -> Iterator[Sample | HistogramSample]:
    key = (job_type,)
    yield Sample(RUNS, key, counted.runs)
    yield Sample(RUN_FAILURES, key, counted.failures)
    yield Sample(RUN_RETRIES, key, counted.retries)
    yield Sample(CANCELLED, key, counted.cancelled)
    yield HistogramSample(RUN_DURATION, key, counted.durations.cumulative, counted.durations.seconds)
    yield HistogramSample(RUN_WAIT, key, counted.waits.cumulative, counted.waits.seconds)
    yield from at(LAST_RUN, key, day.last_run_at)
    yield from at(LAST_SUCCESS, key, day.last_success_at)
    yield Sample(DAY_RUNS, key, day.runs)
    yield Sample(DAY_FAILURES, key, day.failures)
    if day.runs:
        yield Sample(DAY_SUCCESS_RATIO, key, (day.runs - day.failures) / day.runs)
    if day.longest is not None:
        for metric, fraction in ((DAY_P50, 0.5), (DAY_P95, 0.95)):
            seconds = percentile(day.durations, fraction, day.longest)
            if seconds is not None:
                yield Sample(metric, key, seconds)
        yield Sample(DAY_MAX, key, day.longest)
