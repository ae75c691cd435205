"""Graphile Worker, from npm, with and without the recorder of its completions."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

from psycopg import AsyncConnection
from psycopg.types.json import Json

from demo.engines.graphile.packages import command, make_tables
from jobqueue.config import ConfiguredSchedule
from jobqueue.states import JobState
from jobqueue.tables.migrate import migrate
from jobqueue.tables.recording import record_completions
from tests.engines.drivers import MAIL, REPORT
from tests.exporter.scrape import source

_CONCURRENCY = 10
_LONG_PAUSE_AFTER = 5
"""Attempts after which the next pause, exp(attempts) seconds, is long."""

_ENQUEUE = (
    "SELECT id FROM graphile_worker.add_job(%s, %s, run_at := now() + %s * interval '1 second', max_attempts := %s)"
)
_COUNTS = """
SELECT task_identifier,
       CASE WHEN locked_at IS NOT NULL THEN 'locked' WHEN attempts >= max_attempts THEN 'failed' ELSE 'waiting' END,
       count(*)
  FROM graphile_worker.jobs
 GROUP BY 1, 2
"""


class GraphileDriver:
    engine = "graphile"
    configured: tuple[ConfiguredSchedule, ...] = ()
    fails_into = JobState.FAILED
    words: ClassVar[Mapping[JobState, str]] = {
        JobState.PENDING: "waiting",
        JobState.SCHEDULED: "waiting",
        JobState.RETRY: "waiting",
        JobState.ACTIVE: "locked",
        JobState.COMPLETED: "success",
        JobState.FAILED: "failed",
        JobState.CANCELLED: "removed",
    }

    def __init__(self, address: str, conn: AsyncConnection) -> None:
        self._address = address
        self._conn = conn
        self._completed: Counter[tuple[str, str]] = Counter()

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
        told = Json({"seconds": seconds, "failures": failures})
        row = await (await self._conn.execute(_ENQUEUE, (job_type, told, delay, retries + 1))).fetchone()
        assert row
        if pause:
            await self._conn.execute(
                "UPDATE graphile_worker._private_jobs SET attempts = %(n)s, max_attempts = max_attempts + %(n)s"
                " WHERE id = %(id)s",
                {"n": _LONG_PAUSE_AFTER - 1, "id": row[0]},
            )
        return str(row[0])

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        program = command(self._address, _CONCURRENCY, MAIL, REPORT)
        process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE)
        assert process.stdin
        assert process.stdout
        assert json.loads(await process.stdout.readline()) == {"ready": True}
        hearing = asyncio.create_task(self._hear(process.stdout))
        try:
            yield
        finally:
            process.stdin.close()
            await process.wait()
            await hearing

    async def schedule(self) -> None:
        raise AssertionError("the engine lacks schedules")

    async def cancel(self, job_id: str, job_type: str) -> None:
        await self._conn.execute("SELECT graphile_worker.complete_jobs(array[%s::bigint])", (job_id,))

    async def finish(self, conn: AsyncConnection, job_id: str) -> None:
        await conn.execute("DELETE FROM graphile_worker._private_jobs WHERE id = %s", (job_id,))

    async def counts(self) -> Counter[tuple[str, str]]:
        cursor = await self._conn.execute(_COUNTS)
        return self._completed + Counter({(task, word): jobs for task, word, jobs in await cursor.fetchall()})

    async def _hear(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            self._completed[json.loads(line)["success"], "success"] += 1


@asynccontextmanager
async def driver(address: str) -> AsyncIterator[GraphileDriver]:
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        yield GraphileDriver(address, conn)


async def install(address: str) -> None:
    await asyncio.to_thread(make_tables, address)


async def install_recorded(address: str) -> None:
    await install(address)
    queue = [source(address, engine="graphile")]
    migrate(queue, lambda line: None)
    record_completions(queue, lambda line: None)
