"""Connections to a queue: nobody who waits for one is forgotten, and what can't be used is said to be."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest

from control_api.problems import Unavailable
from control_api.sources import ControlledSource
from tests.control_api.test_desk import controlled


@pytest.fixture
async def source(migrated: str) -> AsyncIterator[ControlledSource]:
    source = controlled(migrated)
    await source.pool.open()
    yield source
    await source.pool.close()


async def for_ever(source: ControlledSource) -> None:
    while True:
        async with source.connection():
            pass
        await asyncio.sleep(3600)


async def test_whoever_is_cancelled_while_a_connection_is_on_its_way_ends(source: ControlledSource) -> None:
    """Python 3.11 loses a cancellation that comes just then; when exactly depends on turns of the event loop."""
    for turns in range(40):
        held = [await source.pool.getconn() for _ in range(source.pool.max_size)]
        waiting = asyncio.create_task(for_ever(source))
        while not source.pool.get_stats().get("requests_waiting"):
            await asyncio.sleep(0)
        returned = asyncio.gather(*map(source.pool.putconn, held))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        await returned

        ended, _ = await asyncio.wait([waiting], timeout=1)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting

        assert ended, f"cancelled {turns} turns after"


async def test_who_was_cancelled_before_can_still_clean_up(source: ControlledSource) -> None:
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            async with source.connection():
                cleaned.set()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert cleaned.is_set()


async def log_entries(source: ControlledSource, role: str = "postgres") -> None:
    async with source.reading() as conn:
        await conn.execute(f"SET LOCAL ROLE {role}".encode())
        await conn.execute("SELECT FROM system_status.admin_actions")


@pytest.mark.parametrize("damage", ["TABLE system_status.admin_actions", "SCHEMA system_status"])
async def test_a_database_without_our_tables_is_said_to_lack_them(
    source: ControlledSource, migrated: str, damage: str
) -> None:
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute(f"DROP {damage} CASCADE".encode())

    with pytest.raises(Unavailable, match="python -m jobqueue migrate makes"):
        await log_entries(source)


async def test_a_role_without_a_right_is_said_to_lack_it(source: ControlledSource) -> None:
    with pytest.raises(Unavailable, match="python -m jobqueue grants tells"):
        await log_entries(source, role="pg_monitor")


_CLOSES = """
import asyncio, sys
from jobqueue.config import Log
from jobqueue.logs import configure
from tests.control_api.test_desk import controlled
async def main():
    source = controlled(sys.argv[1])
    await source.pool.open()
    async with source.connection() as conn:
        await conn.close()
    await source.pool.close()
configure(Log())
asyncio.run(main())
"""


def test_a_connection_that_is_closed_with_its_locks_is_not_worth_a_warning(migrated: str) -> None:
    ended = subprocess.run([sys.executable, "-c", _CLOSES, migrated], capture_output=True, text=True, check=True)

    assert "discarding" not in ended.stderr


async def test_a_connection_that_broke_meanwhile_is_not_lent(source: ControlledSource, migrated: str) -> None:
    async with source.connection() as conn:
        pid = conn.info.backend_pid
    with psycopg.connect(migrated, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    await log_entries(source)


async def test_a_network_that_goes_without_a_word_is_noticed_in_seconds(source: ControlledSource) -> None:
    async with source.connection() as lent, source.own_connection() as own:
        for conn in (lent, own):
            options = conn.info.get_parameters()
            assert (options["keepalives_idle"], options["keepalives_interval"], options["keepalives_count"]) == (
                "10",
                "5",
                "3",
            )
            assert options["tcp_user_timeout"] == "15000"


async def test_a_connection_of_ones_own_is_away_when_the_database_is() -> None:
    with pytest.raises(Unavailable):
        async with controlled("postgresql://nobody@127.0.0.1:1/none").own_connection():
            pass
