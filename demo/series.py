"""A day's jobs as the series that an exporter would have shown of them, minute by minute."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from demo.platform.catalogue import JOB_TYPES, SCHEDULED
from demo.simulation import OUTAGE, PastJob
from jobqueue import catalogue as metrics
from jobqueue.catalogue import BUCKETS, Metric
from jobqueue.schedules import parse

MINUTES = 24 * 60
COLLECTORS = {
    "server": 0.0003,
    "live": 0.0012,
    "ready": 0.0009,
    "active": 0.0015,
    "runs": 0.0021,
    "finished": 0.0006,
    "schedules": 0.0005,
    "workers": 0.0004,
    "store": 0.0002,
}
"""For how many seconds a read of each keeps the database busy, about."""
_READ_BEFORE = 7.0
"""How many seconds ago the newest read was at each scrape."""
_SECONDS_OF_A_DAY = 86400.0

Value = float | None


@dataclass(frozen=True, slots=True)
class Series:
    """One series with a value for each minute from the first to the last; None where it is absent."""

    metric: Metric
    labels: Mapping[str, str]
    values: Sequence[Value]
    suffix: str = ""
    """Of a histogram's name."""


@dataclass(frozen=True, slots=True)
class Day:
    """The 24 hours from *begin*, whose timestamp is *zero*."""

    begin: datetime
    zero: float
    workers: Sequence[str]
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the workers say of themselves, by their ids; others say what anyone might."""

    def series(self, jobs: Sequence[PastJob]) -> Iterator[Series]:
        """Every gauge and counter that rules and charts look back at."""
        yield from self._of_the_exporter()
        for job_type, of_type in _by_type(jobs).items():
            yield from self._of_type(job_type, of_type)
        yield from self._of_schedules()
        yield from self._of_workers(jobs)

    def histograms(self, jobs: Sequence[PastJob]) -> Iterator[Series]:
        """The durations and waits of the runs, without the buckets that say nothing."""
        for job_type, of_type in _by_type(jobs).items():
            runs = [(job, self._at(job.finished_at)) for job in of_type if job.started_at and job.state != "cancelled"]
            took = [(at, _seconds(job.started_at, job.finished_at)) for job, at in runs]
            waited = [(at, _seconds(job.run_after, job.started_at)) for job, at in runs]
            yield from self._histogram(metrics.RUN_DURATION, job_type, took)
            yield from self._histogram(metrics.RUN_WAIT, job_type, waited)

    def _histogram(self, metric: Metric, job_type: str, found: Sequence[tuple[float, float]]) -> Iterator[Series]:
        if not found:
            return
        reached = [bisect_left(BUCKETS, seconds) for _, seconds in found]
        for number in range(max(min(reached) - 1, 0), min(max(reached) + 1, len(BUCKETS))):
            below = _up_to([at for (at, _), bucket in zip(found, reached, strict=True) if bucket <= number])
            yield self._series(metric, below.__getitem__, "_bucket", job_type=job_type, le=f"{BUCKETS[number]:g}")
        count = _up_to([at for at, _ in found])
        yield self._series(metric, count.__getitem__, "_bucket", job_type=job_type, le="+Inf")
        yield self._series(metric, count.__getitem__, "_count", job_type=job_type)

    def _of_the_exporter(self) -> Iterator[Series]:
        yield self._series(metrics.UP, lambda _: 1)
        for collector, usual in COLLECTORS.items():
            dice = Random(collector)
            took = [usual * dice.lognormvariate(0, 0.2) for _ in range(MINUTES + 1)]
            read = self._timestamps([max(60.0 * minute - _READ_BEFORE, 0.0) for minute in range(MINUTES + 1)])
            yield self._series(metrics.COLLECTOR_SUCCESS, lambda _: 1, collector=collector)
            yield self._series(metrics.COLLECTOR_DURATION, took.__getitem__, collector=collector)
            yield self._series(metrics.COLLECTOR_LAST_SUCCESS, read, collector=collector)

    def _of_type(self, job_type: str, jobs: Sequence[PastJob]) -> Iterator[Series]:
        waits = [(self._at(job.run_after), self._at(job.started_at or job.finished_at)) for job in jobs]
        runs = [(self._at(job.started_at), self._at(job.finished_at)) for job in jobs if job.started_at]
        ends = {
            metrics.RUNS: [self._at(job.finished_at) for job in jobs if job.state != "cancelled"],
            metrics.RUN_FAILURES: [self._at(job.finished_at) for job in jobs if job.state == "failed"],
            metrics.CANCELLED: [self._at(job.finished_at) for job in jobs if job.state == "cancelled"],
        }
        successes = [self._at(job.finished_at) for job in jobs if job.state == "completed"]
        counted = {metric: _up_to(moments) for metric, moments in ends.items()}
        waiting, active = _under_way(waits), _under_way(runs)
        newest = {metrics.LAST_RUN: _newest(ends[metrics.RUNS]), metrics.LAST_SUCCESS: _newest(successes)}
        yield self._series(metrics.JOBS, lambda minute: len(waiting[minute]), job_type=job_type, state="pending")
        yield self._series(metrics.JOBS, lambda minute: len(active[minute]), job_type=job_type, state="active")
        for metric, begun in {metrics.OLDEST_READY: waiting, metrics.OLDEST_ACTIVE: active}.items():
            oldest = [min(moments, default=None) for moments in begun]
            yield self._series(metric, self._timestamps(oldest), job_type=job_type)
        yield self._series(metrics.DAY_FAILURES, lambda _: len(ends[metrics.RUN_FAILURES]), job_type=job_type)
        for metric, values in counted.items():
            yield self._series(metric, values.__getitem__, job_type=job_type)
        for metric, moments in newest.items():
            yield self._series(metric, self._timestamps(moments), job_type=job_type)

    def _of_schedules(self) -> Iterator[Series]:
        for schedule in SCHEDULED:
            key, cron = {"job_type": schedule.name}, parse(schedule.cron, schedule.timezone)
            yield self._series(metrics.SCHEDULE_ENABLED, lambda _, on=schedule.enabled: on, **key)  # type: ignore[misc]
            yield self._series(metrics.SCHEDULE_VALID, lambda _: 1, **key)
            yield self._series(metrics.SCHEDULE_MISSED, lambda _: 0, **key)
            if schedule.enabled:
                moments = [self.begin + timedelta(minutes=minute) for minute in range(MINUTES + 1)]
                past = self._timestamps([self._at(cron.last_at_or_before(moment)) for moment in moments])
                ahead = self._timestamps([self._at(cron.next_after(moment)) for moment in moments])
                yield self._series(metrics.SCHEDULE_EXPECTED, past, **key)
                yield self._series(metrics.SCHEDULE_LAST_ENQUEUED, past, **key)
                yield self._series(metrics.SCHEDULE_NEXT, ahead, **key)

    def _of_workers(self, jobs: Sequence[PastJob]) -> Iterator[Series]:
        for worker in self.workers:
            runs = [job for job in jobs if job.worker_id == worker and job.finished_at]
            processed = _up_to([self._at(job.finished_at) for job in runs])
            failed = _up_to([self._at(job.finished_at) for job in runs if job.state == "failed"])
            anyone = {"hostname": worker, "pid": "1", "mode": "worker", "version": "4.12.0"}
            yield self._series(metrics.WORKER_INFO, lambda _: 1, worker=worker, **self.known.get(worker, anyone))
            yield self._series(metrics.WORKER_ONLINE, lambda minute: minute - 1 not in OUTAGE, worker=worker)
            seen = self._timestamps([60.0 * (OUTAGE.start if at in OUTAGE else at) for at in range(MINUTES + 1)])
            yield self._series(metrics.WORKER_LAST_SEEN, seen, worker=worker)
            yield self._series(metrics.WORKER_PROCESSED, processed.__getitem__, worker=worker)
            yield self._series(metrics.WORKER_FAILED, failed.__getitem__, worker=worker)
            for job_type, of_type in _by_type(runs).items():
                active = _under_way([(self._at(job.started_at), self._at(job.finished_at)) for job in of_type])
                begun = self._timestamps([min(moments, default=None) for moments in active])
                yield self._series(metrics.WORKER_CURRENT_START, begun, worker=worker, job_type=job_type)

    def _series(self, metric: Metric, value: Callable[[int], Value], suffix: str = "", **labels: str) -> Series:
        values = [value(minute) for minute in range(MINUTES + 1)]
        return Series(metric, {"source": "main", **labels}, values, suffix)

    def _timestamps(self, moments: Sequence[Value]) -> Callable[[int], Value]:
        found = [None if moment is None else self.zero + moment for moment in moments]
        return found.__getitem__

    def _at(self, moment: datetime | None) -> float:
        return _seconds(self.begin, moment)


def _seconds(begin: datetime | None, end: datetime | None) -> float:
    if begin is None or end is None:
        raise ValueError("a job that hasn't ended")
    return (end - begin).total_seconds()


def _by_type(jobs: Sequence[PastJob]) -> Mapping[str, Sequence[PastJob]]:
    found: defaultdict[str, list[PastJob]] = defaultdict(list)
    for job in jobs:
        found[job.job_type].append(job)
    return {job_type: found[job_type] for job_type in JOB_TYPES}


def _up_to(moments: Sequence[float]) -> Sequence[float]:
    """How many of *moments* each minute has behind it."""
    ended = [0] * (MINUTES + 2)
    for moment in moments:
        ended[max(0, min(int(moment // 60) + 1, MINUTES + 1))] += 1
    return list(accumulate(map(float, ended)))


def _newest(moments: Sequence[float]) -> Sequence[Value]:
    """The newest of *moments* at each minute; the day before was like this one."""
    if not moments:
        return [None] * (MINUTES + 1)
    newest, values, ahead = max(moments) - _SECONDS_OF_A_DAY, list[Value](), sorted(moments, reverse=True)
    for minute in range(MINUTES + 1):
        while ahead and ahead[-1] <= 60 * minute:
            newest = ahead.pop()
        values.append(newest)
    return values


def _under_way(spans: Sequence[tuple[float, float]]) -> Sequence[Sequence[float]]:
    """The beginnings of those of *spans* that each minute lies in."""
    begun: list[list[float]] = [[] for _ in range(MINUTES + 1)]
    for begin, end in spans:
        for minute in range(max(0, int(begin // 60) + 1), min(int(-(-end // 60)), MINUTES + 1)):
            begun[minute].append(begin)
    return begun
