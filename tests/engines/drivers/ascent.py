"""Ascent, with the demo platform's worker."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import resources
from itertools import count
from typing import ClassVar

from psycopg import AsyncConnection

from demo.engines.diary import note
from demo.platform.connection import QUERIES, Conn, connect
from demo.platform.presence import Identity, Job, Presence
from demo.platform.worker import Outcome, Worker
from jobqueue.config import ConfiguredSchedule
from jobqueue.states import JobState
from tests.engines.drivers import EVERY_MINUTE, NOBODY, REPORT

_WORKERS = 5
_FIRST_BACKOFF = 5.0


class Told(Worker):
    """Does what a job's payload says; the pause before the next try follows from the platform's speed."""

    async def _attempt(self, conn: Conn, job: Job) -> Outcome:
        row = await (await conn.execute("SELECT payload FROM ascent.jobs WHERE id = %s", (job.id,))).fetchone()
        told = {"seconds": 0.0, "failures": 0, "pause": 0.0} | (row or {})["payload"]
        await asyncio.sleep(told["seconds"])
        self._speed = _FIRST_BACKOFF / max(told["pause"], 0.01)
        fails = job.retries < told["failures"]
        note(conn.info.dbname, job.id, failed=fails)
        return Outcome("failed as told" if fails else None)


class AscentDriver:
    engine = "ascent"
    configured: tuple[ConfiguredSchedule, ...] = ()
    fails_into = JobState.FAILED
    words: ClassVar[Mapping[JobState, str]] = {
        JobState.SCHEDULED: "pending",
        **{state: state.value for state in JobState if state is not JobState.SCHEDULED},
    }

    def __init__(self, address: str, conn: Conn) -> None:
        self._address = address
        self._conn = conn
        self._numbers = count()

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
        cursor = await self._conn.execute(
            "INSERT INTO ascent.jobs (job_type, payload, max_retries, run_after, priority) VALUES (%s,"
            " jsonb_build_object('seconds', %s::float8, 'failures', %s::int, 'pause', %s::float8),"
            " %s, now() + %s * interval '1 second', 0) RETURNING id",
            (job_type, seconds, failures, pause, retries, delay),
        )
        [row] = await cursor.fetchall()
        return str(row["id"])

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        # The platform's workers take every type: somebody holds what nobody shall take.
        async with await connect(self._address) as holder, holder.transaction():
            await holder.execute("SELECT FROM ascent.jobs WHERE job_type = %s FOR UPDATE", (NOBODY,))
            tasks = [asyncio.create_task(self._work()) for _ in range(_WORKERS)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        presence = Presence(Identity(f"worker-{next(self._numbers)}", "host", "worker", "1.0"))
        async with await connect(self._address) as conn:
            await presence.beat(conn)
            await Told(presence, speed=5.0).run(conn)

    async def schedule(self) -> None:
        await self._conn.execute(
            "INSERT INTO ascent.schedules (job_type, cron) VALUES (%s, %s)", (REPORT, EVERY_MINUTE)
        )
        values = {"job_type": REPORT, "last_enqueued_at": None, "max_retries": 0}
        await self._conn.execute(QUERIES["enqueue_tick"], values)

    async def cancel(self, job_id: str, job_type: str) -> None:
        await self._conn.execute(
            "UPDATE ascent.jobs SET state = 'cancelled', finished_at = now()"
            " WHERE id = %s AND state IN ('pending', 'retry')",  # one that a worker was faster to end stays so
            (int(job_id),),
        )

    async def finish(self, conn: AsyncConnection, job_id: str) -> None:
        await conn.execute("UPDATE ascent.jobs SET state = 'completed', finished_at = now() WHERE id = %s", (job_id,))

    async def counts(self) -> Counter[tuple[str, str]]:
        cursor = await self._conn.execute(
            "SELECT job_type, state::text, count(*) AS jobs FROM ascent.jobs GROUP BY 1, 2"
        )
        return Counter({(row["job_type"], row["state"]): row["jobs"] for row in await cursor.fetchall()})


@asynccontextmanager
async def driver(address: str) -> AsyncIterator[AscentDriver]:
    async with await connect(address) as conn:
        yield AscentDriver(address, conn)


async def install(address: str) -> None:
    schema = resources.files("jobqueue.engines.ascent").joinpath("schema.sql").read_bytes()
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        await conn.execute(schema)
