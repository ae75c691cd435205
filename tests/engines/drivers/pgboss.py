"""pg-boss, from npm."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

from psycopg import AsyncConnection

from demo.engines.pgboss.boss import boss
from demo.engines.program import Program
from jobqueue.config import ConfiguredSchedule
from jobqueue.states import JobState
from tests.engines.drivers import EVERY_MINUTE, MAIL, NOBODY, REPORT

_OPTIONS = {
    "useListenNotify": True,
    "cronMonitorIntervalSeconds": 1,
    "cronWorkerIntervalSeconds": 1,
    "max": 5,
}
_CONCURRENCY = 10


class PgbossDriver:
    engine = "pgboss"
    configured: tuple[ConfiguredSchedule, ...] = ()
    fails_into = JobState.FAILED
    words: ClassVar[Mapping[JobState, str]] = {
        JobState.PENDING: "created",
        JobState.SCHEDULED: "created",
        **{state: state.value for state in JobState if state not in (JobState.PENDING, JobState.SCHEDULED)},
    }

    def __init__(self, client: Program) -> None:
        self._boss = client

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
        options = {"retryLimit": retries, "retryDelay": int(pause), **({"startAfter": int(delay)} if delay else {})}
        data = {"seconds": seconds, "failures": failures}
        return str(await self._boss.call("send", job_type, data, options))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        # Without a word from NOTIFY a worker looks every 30 s: so it does for what recurs, while retries are seen soon.
        for name, options in ((MAIL, {"pollingIntervalSeconds": 1, "notifyPollingIntervalSeconds": 1}), (REPORT, {})):
            for _ in range(_CONCURRENCY):
                await self._boss.call("work", name, options)
        yield
        for name in (MAIL, REPORT):
            await self._boss.call("offWork", name, {"wait": False})

    async def schedule(self) -> None:
        await self._boss.call("schedule", REPORT, EVERY_MINUTE, {"seconds": 0}, {"retryLimit": 1})

    async def cancel(self, job_id: str, job_type: str) -> None:
        await self._boss.call("cancel", job_type, job_id)

    async def finish(self, conn: AsyncConnection, job_id: str) -> None:
        await conn.execute("UPDATE pgboss.job SET completed_on = now(), state = 'completed' WHERE id = %s", (job_id,))

    async def counts(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for name in (MAIL, REPORT, NOBODY):
            for job in await self._boss.call("findJobs", name, {"limit": 100_000}):
                found[name, job["state"]] += 1
        return found


@asynccontextmanager
async def driver(address: str) -> AsyncIterator[PgbossDriver]:
    async with boss(address, _OPTIONS) as client:
        yield PgbossDriver(client)


async def install(address: str, package: str = "pg-boss") -> None:
    async with boss(address, {"schedule": False}, package) as client:
        for name in (MAIL, REPORT, NOBODY):
            await client.call("createQueue", name, {"notify": True})
