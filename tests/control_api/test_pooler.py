"""Behind a pooler that pools by transaction, everything works: nothing is kept in a session of the database."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from control_api import audit
from control_api.actions import Action
from control_api.problems import AlreadyRunning
from tests.control_api.pgbouncer import pooled
from tests.control_api.test_desk import a_desk, count, ended, order, pile, queue
from tests.waiting import until_found

__all__ = ["queue"]


@pytest.fixture
async def behind(migrated: str) -> AsyncIterator[str]:
    async with pooled(migrated) as address:
        yield address


async def test_a_client_gets_another_session_for_each_transaction(behind: str) -> None:
    pid = "SELECT pg_backend_pid()"
    async with (
        await AsyncConnection.connect(behind, autocommit=True) as one,
        await AsyncConnection.connect(behind, autocommit=True) as other,
    ):
        before = await (await one.execute(pid)).fetchone()
        async with other.transaction():
            assert await (await other.execute(pid)).fetchone() == before
            assert await (await one.execute(pid)).fetchone() != before


@pytest.mark.parametrize("action", [Action.JANITOR, Action.FAIL_ACTIVE, Action.CANCEL_PENDING])
async def test_each_clean_up_comes_to_its_end_and_the_next_one_can_begin(
    behind: str, queue: AsyncConnection, action: Action
) -> None:
    await pile(queue, 200)
    async with a_desk(behind, batch=5) as desk:
        for number in range(3):
            entry = await ended(desk, await desk.act(order(action, f"r{number}")))
            assert entry.state == audit.DONE, entry.note


async def test_run_now_and_three_clean_ups_at_once_share_two_sessions(behind: str, queue: AsyncConnection) -> None:
    await pile(queue, 200)
    async with a_desk(behind, batch=5) as desk, a_desk(behind, batch=5) as other:
        cleaning = [Action.JANITOR, Action.FAIL_ACTIVE, Action.CANCEL_PENDING]
        entries = await asyncio.gather(*(desk.act(order(action, str(action))) for action in cleaning))
        run = await other.act(order(Action.RUN, "run", job_type="mail"))
        states = [(await ended(desk, entry)).state for entry in (run, *entries)]

    assert states == [audit.DONE] * 4


async def test_one_of_a_kind_is_at_work_and_one_that_is_broken_off_is_interrupted(
    behind: str, queue: AsyncConnection
) -> None:
    await pile(queue, 2000)
    async with a_desk(behind, batch=5) as desk, a_desk(behind) as other:
        entry = await desk.act(order(Action.CANCEL_PENDING))
        with pytest.raises(AlreadyRunning):
            await other.act(order(Action.CANCEL_PENDING, "second"))
        await until_found(lambda: count(queue, "ascent.jobs WHERE state = 'cancelled'"))
    async with a_desk(behind) as desk:
        entry = await desk.entry("main", entry.id)
        again = await ended(desk, await desk.act(order(Action.CANCEL_PENDING, "again")))

    assert (entry.state, again.state) == (audit.INTERRUPTED, audit.DONE)
    assert entry.changed + again.changed == 2000


async def test_its_sessions_are_left_as_they_were(behind: str) -> None:
    async with a_desk(behind) as desk:
        await ended(desk, await desk.act(order(Action.CANCEL_PENDING)))

    async with await AsyncConnection.connect(behind, autocommit=True) as conn:
        found = await conn.execute("SELECT current_setting('statement_timeout'), current_setting('search_path')")
        assert await found.fetchone() == ("0", '"$user", public')
