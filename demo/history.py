"""A past for the platform, so that 24-hour figures are there at once.

Completed jobs of the whole last day are there, as if the janitor had been off. When it runs, those older than an
hour go, and the 24-hour figures must stay. Failed jobs are there for seven days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields, replace
from datetime import datetime, timedelta
from random import Random

from psycopg import sql

from demo.platform.catalogue import SCHEDULED
from demo.platform.connection import Conn
from demo.platform.fleet import machines as all_machines
from demo.simulation import PastJob, simulate
from jobqueue.schedules import parse
from jobqueue.sql import load

_QUERIES = load("demo", "history.sql")
_COLUMNS = [field.name for field in fields(PastJob)]
_DAY = timedelta(days=1)
_DAYS_KEPT = 7


async def write(conn: Conn, seed: int | None = None) -> int:
    """Fill the empty queue with the past; answers with the number of jobs. The same *seed*, the same past."""
    dice = Random(seed)
    async with conn.transaction():
        [row] = await (await conn.execute(_QUERIES["now"])).fetchall()
        now: datetime = row["now"]
        machines = [machine for machine in all_machines(workers=3) if machine.mode != "server"]
        day = simulate(now, [f"{machine.name}-{dice.randbytes(3).hex()}" for machine in machines], dice)
        jobs = [*older_failures(day), *day]
        await _copy(conn, jobs)
        for job_type, tick in _newest_ticks(now):
            await conn.execute(_QUERIES["enqueued"], {"job_type": job_type, "at": tick})
    await conn.execute(_QUERIES["analyze"])
    return len(jobs)


def older_failures(day: Sequence[PastJob]) -> Iterator[PastJob]:
    """The failed jobs of the six days before *day*, which were just like it; oldest first."""
    failed = [job for job in day if job.state == "failed"]
    for days in range(_DAYS_KEPT - 1, 0, -1):
        yield from (_earlier(job, days * _DAY) for job in failed)


def _earlier(job: PastJob, by: timedelta) -> PastJob:
    return replace(
        job,
        created_at=job.created_at - by,
        run_after=job.run_after - by,
        expires_at=job.expires_at and job.expires_at - by,
        started_at=job.started_at and job.started_at - by,
        finished_at=job.finished_at and job.finished_at - by,
    )


def _newest_ticks(now: datetime) -> Iterator[tuple[str, datetime]]:
    for job_type in SCHEDULED:
        tick = parse(job_type.cron, job_type.timezone).last_at_or_before(now)
        if job_type.enabled and tick is not None:
            yield job_type.name, tick


async def _copy(conn: Conn, jobs: Sequence[PastJob]) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    command = sql.SQL("COPY ascent.jobs ({}) FROM STDIN").format(columns)
    async with conn.cursor() as cursor, cursor.copy(command) as copy:
        for job in jobs:
            await copy.write_row(astuple(job))
