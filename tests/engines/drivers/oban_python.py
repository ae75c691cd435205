"""Oban for Python, from PyPI, where the machine has a Python that is new enough for it; elsewhere SQL stands in."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from demo.engines.oban import is_here, oban
from demo.engines.program import Program
from jobqueue.config import ConfiguredSchedule
from jobqueue.engines import open_engine
from jobqueue.sql import load
from jobqueue.states import JobState
from tests.engines.drivers import EVERY_MINUTE, MAIL, NOBODY, REPORT, OpenDriver
from tests.engines.drivers.in_sql import installer, opener
from tests.engines.drivers.oban import WORDS

_CONCURRENCY = 10
_WORKED, _LEFT = "default", "left"
"""Queues: the one that has workers, and the one of ``NOBODY``."""


class ObanDriver:
    engine = "oban"
    configured = (ConfiguredSchedule(REPORT, EVERY_MINUTE),)
    fails_into = JobState.FAILED
    words = WORDS

    def __init__(self, program: Program) -> None:
        self._program = program
        self._nodes = 0

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
        args = {"seconds": seconds, "failures": failures, "pause": pause}
        options = {
            "queue": _LEFT if job_type == NOBODY else _WORKED,
            "max_attempts": retries + 1,
            **({"scheduled_in": delay} if delay else {}),
        }
        return str(await self._program.call("enqueue", job_type, args, options))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        self._nodes += 1
        await self._program.call("work", {_WORKED: _CONCURRENCY}, f"node-{self._nodes}")
        try:
            yield
        finally:
            await self._program.call("rest")

    async def schedule(self) -> None:
        await self._program.call("recur", REPORT, EVERY_MINUTE, _WORKED)

    async def cancel(self, job_id: str, job_type: str) -> None:
        await self._program.call("cancel", int(job_id))

    async def finish(self, conn: AsyncConnection, job_id: str) -> None:
        await conn.execute(load("tests.engines.oban", "worker.sql")["complete"], {"id": int(job_id)})

    async def counts(self) -> Counter[tuple[str, str]]:
        return Counter({(name, state): number for name, state, number in await self._program.call("count")})


@asynccontextmanager
async def _driver(address: str) -> AsyncIterator[ObanDriver]:
    async with oban(address, (MAIL, REPORT, NOBODY)) as program:
        yield ObanDriver(program)


async def _install(address: str) -> None:
    async with oban(address, ()) as program:
        await program.call("install")
    [index] = [index for index in open_engine("oban", None).indexes if index.name == "system_status_cron"]
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        await conn.execute(index.definition)


driver: OpenDriver = _driver if is_here() else opener("oban", WORDS, beats=True)
install = _install if is_here() else installer("oban", "schema.sql", "python.sql")
