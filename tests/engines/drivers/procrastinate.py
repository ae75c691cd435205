"""procrastinate, from PyPI."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

from procrastinate import App
from psycopg import AsyncConnection

from demo.engines.procrastinate.app import app, install
from jobqueue.config import ConfiguredSchedule
from jobqueue.states import JobState
from tests.engines.drivers import EVERY_MINUTE, MAIL, NOBODY, REPORT

__all__ = ["driver", "install"]

_CONCURRENCY = 10


class ProcrastinateDriver:
    engine = "procrastinate"
    configured = (ConfiguredSchedule(REPORT, EVERY_MINUTE),)
    fails_into = JobState.FAILED
    words: ClassVar[Mapping[JobState, str]] = {
        JobState.PENDING: "todo",
        JobState.SCHEDULED: "todo",
        JobState.RETRY: "todo",
        JobState.ACTIVE: "doing",
        JobState.COMPLETED: "succeeded",
        JobState.FAILED: "failed",
        JobState.CANCELLED: "cancelled",
    }

    def __init__(self, app: App) -> None:
        self._app = app

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
        task = self._app.tasks[job_type].configure(schedule_in={"milliseconds": int(1000 * delay)} if delay else None)
        told = {"seconds": seconds, "failures": failures, "retries": retries, "pause": pause}
        return str(await task.defer_async(**told))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        worker = asyncio.create_task(
            self._app.run_worker_async(
                queues=[MAIL, REPORT],
                concurrency=_CONCURRENCY,
                install_signal_handlers=False,
                shutdown_graceful_timeout=0.1,
            )
        )
        try:
            yield
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def schedule(self) -> None:
        self._app.periodic(cron=EVERY_MINUTE)(self._app.tasks[REPORT])

    async def cancel(self, job_id: str, job_type: str) -> None:
        assert await self._app.job_manager.cancel_job_by_id_async(int(job_id))

    async def finish(self, conn: AsyncConnection, job_id: str) -> None:
        await conn.execute("SELECT procrastinate_finish_job_v1(%s, 'succeeded', false)", (int(job_id),))

    async def counts(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for task in await self._app.job_manager.list_tasks_async():
            for word in set(self.words.values()):
                found[task["name"], word] = task[word]
        return +found


@asynccontextmanager
async def driver(address: str) -> AsyncIterator[ProcrastinateDriver]:
    made = app(address, (MAIL, REPORT, NOBODY))
    async with made.open_async():
        yield ProcrastinateDriver(made)
