"""Behind a pooler, in either mode, everything works: nothing is kept in a session of the database."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from control_api import audit
from control_api.actions import Action
from control_api.problems import AlreadyRunning
from tests.control_api.service import HTML, serving
from tests.control_api.test_desk import a_desk, count, ended, order, pile, queue
from tests.control_api.test_tokens import command
from tests.cut import cut
from tests.pgbouncer import MODES, pooled
from tests.waiting import until_found

__all__ = ["queue"]


@pytest.fixture(params=MODES)
async def behind(migrated: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with pooled(migrated, request.param) as address:
        yield address


@pytest.mark.parametrize("behind", ["transaction"], indirect=True)
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


async def test_pages_readiness_and_metrics_answer(behind: str, queue: AsyncConnection) -> None:
    async with serving({"main": behind}) as served:
        answers = [
            await served.get(path, HTML)
            for _ in range(3)
            for path in ("/readyz", "/metrics", "/control/", "/control/main/schedules/mail/run", "/control/audit")
        ]

    assert [answer.status for answer in answers] == [200] * len(answers)


async def test_tokens_are_made_listed_and_revoked(behind: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["new", "--name", "ci", "--allow", "run"], ["list"], ["revoke", "ci"], ["list"]):
        assert command(behind, *words) == 0

    assert "valid" in capsys.readouterr().out


async def test_an_idle_connection_that_the_server_ends_is_replaced_and_no_request_fails(
    behind: str, migrated: str, queue: AsyncConnection
) -> None:
    async with serving({"main": behind}) as served:
        for number in range(3):
            ran = await served.post("/control/main/schedules/mail/run", json={"request_id": f"r{number}"})
            assert ran.status == 200
            await cut(queue)
            assert (await served.get("/control/audit", HTML)).status == 200
            await cut(queue)


async def test_its_sessions_are_left_as_they_were(behind: str) -> None:
    async with a_desk(behind) as desk:
        await ended(desk, await desk.act(order(Action.CANCEL_PENDING)))

    async with await AsyncConnection.connect(behind, autocommit=True) as conn:
        found = await conn.execute("SELECT current_setting('statement_timeout'), current_setting('search_path')")
        assert await found.fetchone() == ("0", '"$user", public')
