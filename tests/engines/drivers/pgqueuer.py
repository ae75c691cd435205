"""PgQueuer, from PyPI."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar

from pgqueuer import PgQueuer, PsycopgDriver, Queries
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job, Schedule
from psycopg import AsyncConnection

from demo.engines.diary import note
from jobqueue.config import ConfiguredSchedule
from jobqueue.states import JobState
from tests.engines.drivers import EVERY_MINUTE, MAIL, REPORT

_LEFT = "SELECT entrypoint, status::text, count(*) FROM pgqueuer GROUP BY 1, 2"
_ENDED = """
SELECT entrypoint, status::text, count(*)
  FROM (SELECT DISTINCT ON (job_id) entrypoint, status FROM pgqueuer_log ORDER BY job_id, id DESC) AS last
 WHERE status NOT IN ('queued', 'picked')
 GROUP BY 1, 2
"""
_FINISH = """
WITH gone AS (DELETE FROM pgqueuer WHERE id = %s RETURNING id, entrypoint, priority)
INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'successful', entrypoint, priority FROM gone
"""


class ToldToFailError(Exception):
    """What a job raises that is told to fail."""


class PgQueuerDriver:
    engine = "pgqueuer"
    configured: tuple[ConfiguredSchedule, ...] = ()
    fails_into = JobState.FAILED
    words: ClassVar[Mapping[JobState, str]] = {
        JobState.PENDING: "queued",
        JobState.SCHEDULED: "queued",
        JobState.RETRY: "queued",
        JobState.ACTIVE: "picked",
        JobState.COMPLETED: "successful",
        JobState.FAILED: "exception",
        JobState.CANCELLED: "canceled",
    }

    def __init__(self, address: str, conn: AsyncConnection) -> None:
        self._address = address
        self._conn = conn
        self._queries = Queries(PsycopgDriver(conn))
        self._at_work: set[asyncio.Task[None]] = set()

    async def enqueue(
        self,
        job_type: str,
        *,
        seconds: float = 0.0,
        failures: int = 0,
        retries: int = 0,
        pause: float = 0.0,
        delay: float = 0.0,
    ) -> str:
        told = {"seconds": seconds, "failures": failures, "retries": retries, "pause": pause}
        later = timedelta(seconds=delay) if delay else None
        [job_id] = await self._queries.enqueue(job_type, json.dumps(told).encode(), execute_after=later)
        return str(job_id)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with await AsyncConnection.connect(self._address, autocommit=True) as conn:
            app = PgQueuer.from_psycopg_connection(conn)
            for name in (MAIL, REPORT):
                app.entrypoint(name)(self._work)
            app.schedule(REPORT, EVERY_MINUTE)(_tick)
            running = asyncio.create_task(app.run(dequeue_timeout=timedelta(seconds=5)))
            try:
                yield
            finally:
                for task in (running, *self._at_work):
                    task.cancel()
                await asyncio.gather(running, return_exceptions=True)

    async def schedule(self) -> None:
        await self._conn.execute(
            "INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run) VALUES (%s, %s, now())",
            (EVERY_MINUTE, REPORT),
        )

    async def cancel(self, job_id: str, job_type: str) -> None:
        await self._queries.mark_job_as_cancelled([int(job_id)])  # type: ignore[list-item]

    async def finish(self, conn: AsyncConnection, job_id: str) -> None:
        await conn.execute(_FINISH, (int(job_id),))

    async def counts(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for query in (_LEFT, _ENDED):
            for job_type, word, jobs in await (await self._conn.execute(query)).fetchall():
                found[job_type, word] += jobs
        return found

    async def _work(self, job: Job) -> None:
        told = json.loads(job.payload or b"{}")
        working: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(told["seconds"]))
        self._at_work.add(working)
        try:
            await working
        finally:
            self._at_work.discard(working)
        fails = job.attempts < told["failures"]
        note(self._conn.info.dbname, job.id, failed=fails)
        if fails:
            if job.attempts < told["retries"]:
                raise RetryRequested(delay=timedelta(seconds=told["pause"]))
            raise ToldToFailError


async def _tick(schedule: Schedule) -> None:
    """Done at once."""


@asynccontextmanager
async def driver(address: str) -> AsyncIterator[PgQueuerDriver]:
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        yield PgQueuerDriver(address, conn)


async def install(address: str) -> None:
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        await Queries(PsycopgDriver(conn)).install()
