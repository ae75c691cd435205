"""Takes jobs from the queue, one at a time, and runs them."""

import asyncio
from dataclasses import dataclass

import structlog

from demo.platform import chance, chaos, janitor
from demo.platform.catalogue import JANITOR, JOB_TYPES, ORGANIZATIONS, JobType, Scheduled, Work
from demo.platform.connection import QUERIES, Conn
from demo.platform.enqueue import enqueue
from demo.platform.presence import Job, Presence

log = structlog.get_logger()

LOOKS_EVERY = 0.5
"""Seconds between two looks at an empty queue."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; ``error`` is None when it went well."""

    error: str | None


class Worker:
    """The working half of a process. With *speed* 60, a minute's work or backoff takes a second."""

    def __init__(self, presence: Presence, speed: float) -> None:
        self.presence = presence
        self._speed = speed
        self._outcome: Outcome | None = None

    async def run(self, conn: Conn) -> None:
        """Fetch and run jobs, for ever.

        A job that was fetched, or even done, when the connection broke is finished by the next call.
        """
        while True:
            job = self.presence.current or await self.fetch(conn)
            if job is None:
                await asyncio.sleep(LOOKS_EVERY / self._speed)
                continue
            self._outcome = self._outcome or await self._attempt(conn, job)
            await self.finish(conn, job, self._outcome)
            self._outcome = None

    async def fetch(self, conn: Conn) -> Job | None:
        """Take the next due job, once those that waited too long are dropped; None when there is none."""
        await conn.execute(QUERIES["drop_expired"])
        row = await (await conn.execute(QUERIES["fetch"], {"worker": self.presence.identity.id})).fetchone()
        if row is None:
            return None
        self.presence.current = job = Job(**row)
        await self.presence.beat(conn)
        return job

    async def finish(self, conn: Conn, job: Job, outcome: Outcome) -> None:
        """Write down how *job* ended, unless it was taken from us meanwhile."""
        key = {"id": job.id, "worker": self.presence.identity.id}
        retries_left = job.retries < job.max_retries
        async with conn.transaction():
            if outcome.error is None:
                ours = await conn.execute(QUERIES["complete"], key)
                if ours.rowcount:
                    await _fan_out(conn, job)
            elif retries_left:
                backoff = chance.backoff(job.retries) / self._speed
                ours = await conn.execute(QUERIES["retry"], key | {"backoff": backoff, "error": outcome.error})
            else:
                ours = await conn.execute(QUERIES["fail"], key | {"error": outcome.error})
        if ours.rowcount:
            self.presence.processed += 1
            self.presence.failed += outcome.error is not None and not retries_left
        else:
            log.warning("job.taken_away", job=job.id, job_type=job.job_type)
        self.presence.current = None
        await self.presence.beat(conn)

    async def _attempt(self, conn: Conn, job: Job) -> Outcome:
        work = chaos.troubled(_job_type(job))
        await asyncio.sleep(chance.duration(work) / self._speed)
        await chaos.hold_up(self.presence.identity.hostname)
        if job.job_type == JANITOR:
            await janitor.run(conn)
        return Outcome(chance.error(work))


def _job_type(job: Job) -> JobType:
    return JOB_TYPES.get(job.job_type) or JobType(job.job_type, Work(0.2))  # somebody else's type is quickly done


async def _fan_out(conn: Conn, job: Job) -> None:
    job_type = _job_type(job)
    if isinstance(job_type, Scheduled) and job_type.fans_out_to is not None:
        await enqueue(conn, job_type.fans_out_to, ORGANIZATIONS)
