"""PgQueuer: its schedules, whose handlers run without a job, and its log, which outlives its ids."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from pgqueuer import PgQueuer, PsycopgDriver, Queries
from pgqueuer.models import Schedule
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.engine import Cleanup
from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.engines.drivers import EVERY_MINUTE, MAIL, REPORT
from tests.engines.test_conformance import clean, shown
from tests.exporter.scrape import Watch, source
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


ANEW = "TRUNCATE pgqueuer RESTART IDENTITY"
ENDS = ["successful", "exception", "canceled", "deleted"]


async def end(conn: AsyncConnection, status: str) -> None:
    """End the only job, as PgQueuer does."""
    if status in ("successful", "exception"):
        await conn.execute(
            "INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority) VALUES (1, 'picked', %s, 0)", (MAIL,)
        )
    await conn.execute(
        "WITH gone AS (DELETE FROM pgqueuer RETURNING id, entrypoint, priority)"
        " INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)"
        " SELECT id, %s::pgqueuer_status, entrypoint, priority FROM gone",
        (status,),
    )


@pytest.mark.parametrize("status", ENDS)
async def test_a_new_job_with_the_id_of_an_old_one_is_no_retry_of_it(
    address: str, conn: AsyncConnection, watch: Watch, status: str
) -> None:
    exporter = watch(source(address, engine="pgqueuer"))
    await exporter.poll()
    queries = Queries(PsycopgDriver(conn))
    await queries.enqueue(MAIL, None)
    await end(conn, status)
    await conn.execute(ANEW)
    await queries.enqueue(MAIL, None)
    await end(conn, "successful")
    await conn.execute(ANEW)
    assert await queries.enqueue(MAIL, None) == [1]

    page = await exporter.poll(rounds=2)

    assert page.value(metrics.RUN_RETRIES, job_type=MAIL) == 0
    assert shown(page) == shown(await watch(source(address, engine="pgqueuer")).poll(rounds=2))
    assert shown(page).total() == 3
    viewed = await conn.execute("SELECT state, retries FROM system_status.recent_jobs ORDER BY created_at DESC")
    state = {"successful": "completed", "exception": "failed"}.get(status, "cancelled")
    assert await viewed.fetchall() == [("pending", 0), ("completed", 0), (state, 0)]


@pytest.mark.parametrize("old", ["successful", "exception"])
@pytest.mark.parametrize("new", ["successful", "exception", "failed"])
async def test_the_janitor_takes_the_log_of_one_job_and_not_that_of_another_with_its_id(
    conn: AsyncConnection, old: str, new: str
) -> None:
    queries = Queries(PsycopgDriver(conn))
    engine = open_engine("pgqueuer", None)
    await queries.enqueue(MAIL, None)
    await end(conn, old)
    await conn.execute("UPDATE pgqueuer_log SET created = created - interval '2 days'")
    await conn.execute(ANEW)
    await queries.enqueue(MAIL, None)
    if new == "failed":
        await conn.execute("UPDATE pgqueuer SET status = 'failed'")
        await conn.execute(
            "INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority) VALUES (1, 'failed', %s, 0)", (MAIL,)
        )
    else:
        await end(conn, new)

    cleanup = Cleanup.COMPLETED if old == "successful" else Cleanup.FAILED
    assert await clean(conn, engine, cleanup, age=86_400) == 1

    left = await conn.execute("SELECT status::text FROM pgqueuer_log ORDER BY id")
    assert await left.fetchall() == [("queued",), *([] if new == "failed" else [("picked",)]), (new,)]
    held = await conn.execute("SELECT status::text FROM pgqueuer")
    assert await held.fetchall() == ([("failed",)] if new == "failed" else [])
