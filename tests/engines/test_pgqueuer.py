"""PgQueuer: its schedules, whose handlers run without a job."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from pgqueuer import PgQueuer
from pgqueuer.models import Schedule
from psycopg import AsyncConnection

from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.engines.drivers import EVERY_MINUTE, REPORT
from tests.waiting import PATIENCE

READER = open_engine("pgqueuer", None).reader
DUE = "INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run, last_run) VALUES (%s, %s, now(), %s)"


@pytest.fixture
def address(server: Server, template_of: Callable[[str], str]) -> Iterator[str]:
    name = server.create_database(template_of("pgqueuer"))
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
async def conn(address: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(address, autocommit=True) as connection:
        yield connection


@asynccontextmanager
async def slow_handler(address: str) -> AsyncIterator[None]:
    """A real scheduler whose handler has come to its middle."""
    begun = asyncio.Event()

    async def handler(schedule: Schedule) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        app = PgQueuer.from_psycopg_connection(conn)
        app.schedule(REPORT, EVERY_MINUTE)(handler)
        running = asyncio.create_task(app.run(dequeue_timeout=timedelta(seconds=1)))
        try:
            async with asyncio.timeout(PATIENCE):
                await begun.wait()
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def last(conn: AsyncConnection) -> datetime | None:
    [schedule] = (await READER.schedules(conn)).rows
    return schedule.last_enqueued_at


async def test_a_tick_has_its_run_as_soon_as_the_handler_begins(address: str, conn: AsyncConnection) -> None:
    long_ago = datetime.fromisoformat("2026-01-01T00:00:00Z")
    await conn.execute(DUE, (EVERY_MINUTE, REPORT, long_ago))
    assert await last(conn) == long_ago

    async with slow_handler(address):
        found = await last(conn)

    assert found is not None
    assert found > long_ago


async def test_the_newest_tick_is_the_one_a_handler_runs_for_and_none_after_its_worker_died(
    conn: AsyncConnection,
) -> None:
    await conn.execute(DUE, (EVERY_MINUTE, REPORT, None))
    await conn.execute(
        "UPDATE pgqueuer_schedules SET status = 'picked', next_run = now() - interval '5 minutes', heartbeat = now()"
    )
    [(next_run,)] = await (await conn.execute("SELECT next_run FROM pgqueuer_schedules")).fetchall()
    while_it_runs = await last(conn)
    await conn.execute("UPDATE pgqueuer_schedules SET heartbeat = now() - interval '1 minute'")

    assert while_it_runs is not None
    assert while_it_runs < next_run
    assert await last(conn) is None
