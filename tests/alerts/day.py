"""A day of the demo as the series that two replicas of the exporter would have shown, minute by minute."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from demo.platform.catalogue import JOB_TYPES, SCHEDULED
from demo.simulation import PastJob, simulate
from jobqueue import catalogue as metrics
from jobqueue.catalogue import Metric
from jobqueue.schedules import parse

END = datetime(2026, 3, 4, tzinfo=UTC)
BEGIN = END - timedelta(days=1)
MINUTES = 24 * 60
OUTAGE = range(15 * 60, 15 * 60 + 7)
"""The minutes in which the simulation has no worker."""
RESTART = range(12 * 60, 12 * 60 + 3)
"""The minutes in which one replica is gone; its counters begin anew."""
WORKERS = ["app-2-x", "worker-1-x", "worker-2-x", "worker-3-x"]
COLLECTORS = ("server", "live", "ready", "active", "runs", "finished", "schedules", "workers", "store")

Value = float | None
Series = tuple[str, list[Value]]


def day() -> Iterator[Series]:
    """Every series with a value for each minute; None where it is absent. Time begins at 0."""
    jobs = simulate(END, WORKERS, Random(24))
    for name, values, counts in [*_of_the_exporter(), *_of_jobs(jobs), *_of_schedules(), *_of_workers()]:
        yield name.replace("{", '{instance="a",'), values
        yield name.replace("{", '{instance="b",'), list(_restarted(values, counts=counts))


def _restarted(values: Sequence[Value], *, counts: bool) -> Iterator[Value]:
    before = values[RESTART.stop - 1] or 0
    for minute, value in enumerate(values):
        if minute in RESTART:
            yield None
        else:
            yield value - before if counts and value is not None and minute >= RESTART.stop else value


_Found = tuple[str, list[Value], bool]


def _series(metric: Metric, value: Callable[[int], Value], **labels: str) -> _Found:
    text = ",".join(f'{name}="{text}"' for name, text in {"source": "main", **labels}.items())
    counts = metric.kind is metrics.Kind.COUNTER and "job_type" in labels
    return f"{metric.name}{{{text}}}", [value(minute) for minute in range(MINUTES + 1)], counts


def _of_the_exporter() -> Iterator[_Found]:
    yield _series(metrics.UP, lambda _: 1)
    for collector in COLLECTORS:
        yield _series(metrics.COLLECTOR_SUCCESS, lambda _: 1, collector=collector)
        yield _series(metrics.COLLECTOR_LAST_SUCCESS, lambda minute: 60 * minute, collector=collector)


def _of_jobs(jobs: Sequence[PastJob]) -> Iterator[_Found]:
    of_type: defaultdict[str, list[PastJob]] = defaultdict(list)
    for job in jobs:
        of_type[job.job_type].append(job)
    for job_type in JOB_TYPES:
        yield from _of_type(job_type, of_type[job_type])


def _of_type(job_type: str, jobs: Sequence[PastJob]) -> Iterator[_Found]:
    waits = [(_at(job.run_after), _at(job.started_at or job.finished_at)) for job in jobs]
    runs = [(_at(job.started_at), _at(job.finished_at)) for job in jobs if job.started_at]
    ends = {
        metrics.RUNS: [_at(job.finished_at) for job in jobs if job.state != "cancelled"],
        metrics.RUN_FAILURES: [_at(job.finished_at) for job in jobs if job.state == "failed"],
        metrics.CANCELLED: [_at(job.finished_at) for job in jobs if job.state == "cancelled"],
    }
    successes = [_at(job.finished_at) for job in jobs if job.state == "completed"]
    counted = {metric: _up_to(moments) for metric, moments in ends.items()}
    waiting, active = _under_way(waits), _under_way(runs)
    newest = {metrics.LAST_RUN: _newest(ends[metrics.RUNS]), metrics.LAST_SUCCESS: _newest(successes)}
    yield _series(metrics.JOBS, lambda minute: len(waiting[minute]), job_type=job_type, state="pending")
    yield _series(metrics.OLDEST_READY, lambda minute: min(waiting[minute], default=None), job_type=job_type)
    yield _series(metrics.OLDEST_ACTIVE, lambda minute: min(active[minute], default=None), job_type=job_type)
    yield _series(metrics.DAY_FAILURES, lambda _: len(ends[metrics.RUN_FAILURES]), job_type=job_type)
    for metric, values in (counted | newest).items():
        yield _series(metric, values.__getitem__, job_type=job_type)


def _of_schedules() -> Iterator[_Found]:
    for schedule in SCHEDULED:
        key, cron = {"job_type": schedule.name}, parse(schedule.cron, schedule.timezone)
        yield _series(metrics.SCHEDULE_ENABLED, lambda _, on=schedule.enabled: on, **key)  # type: ignore[misc]
        yield _series(metrics.SCHEDULE_VALID, lambda _: 1, **key)
        yield _series(metrics.SCHEDULE_MISSED, lambda _: 0, **key)
        if schedule.enabled:
            moments = [BEGIN + timedelta(minutes=minute) for minute in range(MINUTES + 1)]
            past = [_at(cron.last_at_or_before(moment)) for moment in moments]
            ahead = [_at(cron.next_after(moment)) for moment in moments]
            yield _series(metrics.SCHEDULE_EXPECTED, past.__getitem__, **key)
            yield _series(metrics.SCHEDULE_LAST_ENQUEUED, past.__getitem__, **key)
            yield _series(metrics.SCHEDULE_NEXT, ahead.__getitem__, **key)


def _of_workers() -> Iterator[_Found]:
    yield _series(
        metrics.WORKER_INFO, lambda _: 1, worker="app-1-x", hostname="app-1", pid="1", mode="server", version="4.12.0"
    )
    for worker in WORKERS:
        info = {"hostname": worker, "pid": "1", "mode": "worker", "version": "4.12.0"}
        yield _series(metrics.WORKER_INFO, lambda _: 1, worker=worker, **info)
        yield _series(metrics.WORKER_ONLINE, lambda minute: minute - 1 not in OUTAGE, worker=worker)
        yield _series(
            metrics.WORKER_LAST_SEEN,
            lambda minute: 60 * (OUTAGE.start if minute in OUTAGE else minute),
            worker=worker,
        )


def _at(moment: datetime | None) -> float:
    assert moment is not None
    return (moment - BEGIN).total_seconds()


def _up_to(moments: list[float]) -> list[Value]:
    """How many of *moments* each minute has behind it."""
    ended = [0] * (MINUTES + 2)
    for moment in moments:
        ended[min(int(moment // 60) + 1, MINUTES + 1)] += 1
    total, counts = 0, []
    for count in ended[: MINUTES + 1]:
        total += count
        counts.append(float(total))
    return list(counts)


def _newest(moments: list[float]) -> list[Value]:
    """The newest of *moments* at each minute; the day before was like this one."""
    if not moments:
        return [None] * (MINUTES + 1)
    newest, values, ahead = max(moments) - 86400, list[Value](), sorted(moments, reverse=True)
    for minute in range(MINUTES + 1):
        while ahead and ahead[-1] <= 60 * minute:
            newest = ahead.pop()
        values.append(newest)
    return values


def _under_way(spans: list[tuple[float, float]]) -> list[list[float]]:
    """The beginnings of those of *spans* that each minute lies in."""
    begun: list[list[float]] = [[] for _ in range(MINUTES + 1)]
    for begin, end in spans:
        for minute in range(int(begin // 60) + 1, min(int(-(-end // 60)), MINUTES + 1)):
            begun[minute].append(begin)
    return begun
