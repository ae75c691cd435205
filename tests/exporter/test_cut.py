"""A kept connection that the server or a pooler cut while it was idle is replaced, and no read fails."""

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from exporter.database import Database
from jobqueue import catalogue as metrics
from tests.cut import cut
from tests.exporter.scrape import Watch, source
from tests.exporter.work import Work
from tests.pgbouncer import MODES, pooled
from tests.waiting import until_found


@pytest.fixture(params=["directly", *MODES])
async def way(migrated: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address without a pooler, and behind one in each mode."""
    if request.param == "directly":
        yield migrated
        return
    async with pooled(migrated, request.param) as address:
        yield address


async def test_sessions_that_the_server_ends_between_polls_fail_no_read(
    way: str, migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    work, exporter = Work(migrated), watch(source(way))
    for _ in range(4):
        await work.goes_on()
        page = await exporter.poll()
        assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1.0}
        assert await cut(queue) > 0

    await exporter.poll()
    await work.assert_kept()


async def test_sessions_that_are_ended_by_their_timeout_fail_no_read(
    way: str, migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    await queue.execute(f"ALTER DATABASE {queue.info.dbname} SET idle_session_timeout = '1s'".encode())
    exporter = watch(source(way))
    for _ in range(2):
        page = await exporter.poll()
        assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1.0}
        await until_found(lambda: nobody_else(queue))


async def nobody_else(conn: AsyncConnection) -> bool:
    found = await conn.execute(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return await found.fetchone() is None


@pytest.mark.parametrize("read_only", [True, False])
async def test_what_a_cut_connection_raises_is_answered_by_a_new_one(
    way: str, queue: AsyncConnection, read_only: bool
) -> None:
    async with Database(way, 5, read_only=read_only) as database:
        for _ in range(5):
            async with database.transaction() as conn:
                await conn.execute("SELECT 1")
            await cut(queue)
