"""Engines whose workers don't run under Python or Node.js: SQL that does what theirs does, from ``worker.sql``."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import resources
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from demo.engines.diary import note
from jobqueue.config import ConfiguredSchedule
from jobqueue.sql import load
from jobqueue.states import JobState
from tests.engines.drivers import EVERY_MINUTE, NOBODY, REPORT

_CONCURRENCY = 10
_LOOKS_EVERY = 5.0
"""Seconds; rarely, so that what is to be noticed at once has to be told."""


class SqlDriver:
    configured = (ConfiguredSchedule(REPORT, EVERY_MINUTE),)

    def __init__(
        self, engine: str, words: Mapping[JobState, str], address: str, conn: AsyncConnection, *, beats: bool = False
    ) -> None:
        self.engine = engine
        self._beats = beats
        self.words = words
        self._address = address
        self._conn = conn
        self._queries = load(f"tests.engines.{engine}", "worker.sql")
        self._kills = not beats  # Python's workers only learn that their job may end
        self.fails_into = JobState.CANCELLED if self._kills and "killed" in self._queries else JobState.FAILED

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
        return await self._enqueue(
            job_type, {"seconds": seconds, "failures": failures, "pause": pause}, attempts=retries + 1, delay=delay
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def schedule(self) -> None:
        await self._enqueue(REPORT, {"seconds": 0, "failures": 0, "pause": 0}, attempts=1, tick=True)

    async def cancel(self, job_id: str, job_type: str) -> None:
        await self._conn.execute(self._queries["cancel"], {"id": int(job_id)})

    async def finish(self, conn: AsyncConnection, job_id: str) -> None:
        await conn.execute(self._queries["complete"], {"id": int(job_id)})

    async def counts(self) -> Counter[tuple[str, str]]:
        cursor = await self._conn.execute(self._queries["counts"])
        return Counter({(job_type, word): jobs for job_type, word, jobs in await cursor.fetchall()})

    async def _enqueue(
        self, job_type: str, args: Mapping[str, float], *, attempts: int, delay: float = 0.0, tick: bool = False
    ) -> str:
        values = {"job_type": job_type, "args": Jsonb(args), "attempts": attempts, "delay": delay, "tick": tick}
        row = await (await self._conn.execute(self._queries["enqueue"], values)).fetchone()
        assert row
        return str(row[0])

    async def _look(self) -> None:
        again = asyncio.Event()
        running: dict[int, asyncio.Task[None]] = {}

        def ended(task: asyncio.Task[None]) -> None:
            del running[int(task.get_name())]
            again.set()

        async with (
            await AsyncConnection.connect(self._address, autocommit=True) as conn,
            await AsyncConnection.connect(self._address, autocommit=True) as listener,
        ):
            await listener.execute(self._queries["listen"])
            hearing = asyncio.create_task(self._hear(conn, listener, running, again))
            try:
                while True:
                    again.clear()
                    if self._beats:
                        await conn.execute(self._queries["beat"])
                    await conn.execute(self._queries["stage"])
                    values = {"nobody": NOBODY, "free": _CONCURRENCY - len(running)}
                    for job in await (await conn.execute(self._queries["fetch"], values)).fetchall():
                        task = asyncio.create_task(self._work(conn, *job), name=str(job[0]))
                        running[job[0]] = task
                        task.add_done_callback(ended)
                    await _wait(again)
            finally:
                tasks = [hearing, *running.values()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(
        self,
        conn: AsyncConnection,
        listener: AsyncConnection,
        running: Mapping[int, asyncio.Task[None]],
        again: asyncio.Event,
    ) -> None:
        async for told in listener.notifies():
            job_id = json.loads(told.payload).get("job_id")
            if self._kills and job_id in running:
                running[job_id].cancel()
                if "killed" in self._queries:
                    await conn.execute(self._queries["killed"], {"id": job_id})
            again.set()

    async def _work(self, conn: AsyncConnection, job_id: int, told: dict[str, Any], attempt: int, last: bool) -> None:
        await asyncio.sleep(told["seconds"])
        fails = attempt <= told["failures"]
        note(conn.info.dbname, job_id, failed=fails)
        end = "complete" if not fails else "discard" if last else "retry"
        await conn.execute(self._queries[end], {"id": job_id, "pause": told["pause"]})


async def _wait(told: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_LOOKS_EVERY):
            await told.wait()
    except TimeoutError:
        return


def opener(
    engine: str, words: Mapping[JobState, str], *, beats: bool = False
) -> Callable[[str], AbstractAsyncContextManager[SqlDriver]]:
    @asynccontextmanager
    async def driver(address: str) -> AsyncIterator[SqlDriver]:
        async with await AsyncConnection.connect(address, autocommit=True) as conn:
            yield SqlDriver(engine, words, address, conn, beats=beats)

    return driver


def installer(engine: str, *files: str) -> Callable[[str], Coroutine[Any, Any, None]]:
    async def install(address: str) -> None:
        async with await AsyncConnection.connect(address, autocommit=True) as conn:
            for file in files:
                await conn.execute(resources.files(f"tests.engines.{engine}").joinpath(file).read_bytes())

    return install
