"""A day of the platform without waiting: the same schedules, clicks, durations, failures and order of fetching."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random

from demo.platform import chance
from demo.platform.catalogue import CLICKED, JOB_TYPES, ORGANIZATIONS, SCHEDULED, JobType, Scheduled
from demo.platform.worker import LOOKS_EVERY
from jobqueue.schedules import parse

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
OUTAGE = range(15 * 60, 15 * 60 + 7)
"""The minutes of the day in which no worker was there: jobs waited, and some expired."""
_OUTAGE_BEGAN, _OUTAGE_ENDED = _DAY - OUTAGE.start * _MINUTE, _DAY - OUTAGE.stop * _MINUTE


@dataclass(slots=True)
class PastJob:
    """A row of ``jobs``; the fields are its columns."""

    job_type: str
    priority: int
    max_retries: int
    created_at: datetime
    run_after: datetime
    expires_at: datetime | None
    origin: str
    organization_id: int | None = None
    state: str = "pending"
    retries: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker_id: str | None = None
    last_error: str | None = None


def simulate(now: datetime, workers: Sequence[str], dice: Random) -> Sequence[PastJob]:
    """The jobs that *workers* finished in the 24 hours before *now*, oldest creation first.

    The same *dice*, equally seeded, give the same day.
    """
    finished: list[PastJob] = []
    numbers = count()
    waiting = [(job.run_after, next(numbers), job) for job in (*_ticks(now), *_clicks(now, dice))]
    heapq.heapify(waiting)
    ready: list[tuple[int, datetime, int, PastJob]] = []
    clock = now - _DAY
    free = [(clock, worker) for worker in workers]
    while waiting or ready:
        at, worker = heapq.heappop(free)
        at = max(at, clock)  # with nothing to do it had waited
        if not ready and at < waiting[0][0]:
            at = waiting[0][0] + timedelta(seconds=dice.uniform(0, LOOKS_EVERY))
        if now - _OUTAGE_BEGAN <= at < now - _OUTAGE_ENDED:
            at = now - _OUTAGE_ENDED + timedelta(seconds=dice.uniform(0, 20))
        clock = at
        while waiting and waiting[0][0] <= at:
            due, number, job = heapq.heappop(waiting)
            heapq.heappush(ready, (-job.priority, due, number, job))
        *_, job = heapq.heappop(ready)
        heapq.heappush(free, (_run(job, at, worker, dice), worker))
        if job.state == "retry":
            heapq.heappush(waiting, (job.run_after, next(numbers), job))
        else:
            finished.append(job)
            for child in _children(job):
                heapq.heappush(waiting, (child.run_after, next(numbers), child))
    return sorted(
        (job for job in finished if job.finished_at is not None and job.finished_at <= now),
        key=lambda job: job.created_at,
    )


def _run(job: PastJob, at: datetime, worker: str, dice: Random) -> datetime:
    """Let *worker* have *job*; when it is free again."""
    if job.expires_at is not None and job.expires_at <= at:
        job.state, job.last_error, job.finished_at = "cancelled", "expired", at
        return at
    work = JOB_TYPES[job.job_type].work
    end = at + timedelta(seconds=chance.duration(work, dice))
    job.last_error = chance.error(work, dice)
    if job.last_error is not None and job.retries < job.max_retries:
        job.state, job.run_after = "retry", end + chance.backoff(job.retries, dice)
        job.retries += 1
    else:
        job.state = "failed" if job.last_error is not None else "completed"
        job.started_at, job.finished_at, job.worker_id = at, end, worker
    return end


def _ticks(now: datetime) -> Iterator[PastJob]:
    for job_type in SCHEDULED:
        if job_type.enabled:
            ticks = parse(job_type.cron, job_type.timezone).ticks_between(now - _DAY, now, limit=_DAY // _MINUTE)
            yield from (_enqueued(job_type, tick, "schedule") for tick in ticks)


def _clicks(now: datetime, dice: Random) -> Iterator[PastJob]:
    for job_type in CLICKED:
        for _ in range(round(24 * job_type.clicks_per_hour)):
            at = now - _DAY * dice.random()
            if dice.random() < chance.busyness(at):
                job = _enqueued(job_type, at, "code", dice.choice(ORGANIZATIONS))
                job.run_after += job_type.delay
                yield job


def _children(job: PastJob) -> Iterator[PastJob]:
    parent = JOB_TYPES[job.job_type]
    if isinstance(parent, Scheduled) and parent.fans_out_to is not None and job.state == "completed":
        for organization in ORGANIZATIONS:
            yield _enqueued(parent.fans_out_to, job.finished_at or job.created_at, "code", organization)


def _enqueued(job_type: JobType, at: datetime, origin: str, organization: int | None = None) -> PastJob:
    return PastJob(
        job_type=job_type.name,
        priority=job_type.priority,
        max_retries=job_type.max_retries,
        created_at=at,
        run_after=at,
        expires_at=at + job_type.expire_after if job_type.expire_after else None,
        origin=origin,
        organization_id=organization,
    )
