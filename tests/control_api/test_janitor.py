"""The janitor by itself: when it last began so long ago, by the database's clock, once among all replicas."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from control_api import audit
from control_api.actions import Action
from control_api.audit import BY_ITSELF as ACTOR
from control_api.desk import Desk
from control_api.janitor import Rounds
from control_api.problems import AlreadyRunning
from jobqueue.engine import Conn
from tests.control_api.service import serving
from tests.control_api.test_desk import a_desk, begun, ended, order, queue

__all__ = ["queue"]
EVERY = timedelta(minutes=15)


async def runs(desk: Desk) -> list[str]:
    return [entry.actor for entry in await desk.entries("main", action=Action.JANITOR)]


async def look(desk: Desk) -> None:
    """What a process does that has just begun, without the patience that it has with a new installation."""
    await Rounds(desk, "main", EVERY, first_after=timedelta()).look()


async def began(queue: AsyncConnection, ago: str) -> None:
    await queue.execute("UPDATE system_status.admin_actions SET at = now() - %s::interval, before = NULL", [ago])


async def test_where_it_never_ran_it_leaves_an_exporter_time_to_read_the_past(
    migrated: str, queue: AsyncConnection
) -> None:
    async with a_desk(migrated) as desk:
        rounds = Rounds(desk, "main", EVERY, first_after=timedelta(seconds=0.5))
        await rounds.look()
        assert await runs(desk) == []

        await asyncio.sleep(0.5)
        await rounds.look()
        assert await runs(desk) == [ACTOR]


async def test_where_it_ran_once_it_does_not_run_again(migrated: str, queue: AsyncConnection) -> None:
    async with a_desk(migrated) as desk:
        await look(desk)
        await look(desk)

        assert await runs(desk) == [ACTOR]


@pytest.mark.parametrize(
    ("ago", "times"),
    [("14 minutes 58 seconds", 1), ("15 minutes", 2), ("3 days", 2), ("-1 day", 2)],
    ids=["not yet", "due", "after an outage", "the clock was set back"],
)
async def test_a_process_that_has_just_begun_runs_it_when_it_is_due(
    migrated: str, queue: AsyncConnection, ago: str, times: int
) -> None:
    async with a_desk(migrated) as desk:
        await look(desk)
        await began(queue, ago)
        await look(desk)

        assert await runs(desk) == [ACTOR] * times


async def test_one_run_by_hand_counts(migrated: str, queue: AsyncConnection) -> None:
    async with a_desk(migrated) as desk:
        await ended(desk, await desk.act(order(Action.JANITOR)))
        await look(desk)

        assert await runs(desk) == ["token:ci"]


async def test_other_actions_and_other_sources_do_not_count(migrated: str, queue: AsyncConnection) -> None:
    async with a_desk(migrated) as desk:
        await ended(desk, await desk.act(order(Action.CANCEL_PENDING)))
        await queue.execute(
            "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
            " VALUES ('other', 'janitor', 'token:ci', 'r', '')"
        )
        await look(desk)

        assert await runs(desk) == [ACTOR]


async def test_of_many_replicas_one_runs_it(migrated: str, queue: AsyncConnection) -> None:
    async with a_desk(migrated) as one, a_desk(migrated) as other:
        looks = [look(desk) for desk in (one, other) for _ in range(4)]
        answers = await asyncio.gather(*looks, return_exceptions=True)

        assert await runs(one) == [ACTOR]
        assert all(answer is None or isinstance(answer, AlreadyRunning) for answer in answers)


async def test_a_run_that_ends_while_another_replica_looks_is_none_from_the_future(
    migrated: str, queue: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = audit.last_begun
    async with a_desk(migrated) as one, a_desk(migrated) as other:

        async def read_late(conn: Conn, *which: Any) -> datetime | None:
            monkeypatch.undo()
            await look(other)
            return await read(conn, *which)

        monkeypatch.setattr(audit, "last_begun", read_late)
        await look(one)

        assert await runs(one) == [ACTOR]


async def test_it_leaves_a_longer_run_of_somebody_else_alone(migrated: str, queue: AsyncConnection) -> None:
    await queue.execute(
        "INSERT INTO ascent.jobs (job_type, state, finished_at) "
        "SELECT 'old', 'completed', now() - interval '2 hours' FROM generate_series(1, 3000)"
    )
    async with a_desk(migrated, batch=5) as one, a_desk(migrated) as other:
        running = asyncio.create_task(one.act(order(Action.JANITOR)))
        while not await runs(one):
            await asyncio.sleep(0.005)
        await began(queue, "1 hour")
        with pytest.raises(AlreadyRunning):
            await look(other)
        await running


async def test_of_its_own_rounds_the_log_has_no_zeros_and_shows_them(migrated: str, queue: AsyncConnection) -> None:
    await queue.execute(
        "INSERT INTO ascent.jobs (job_type, state, finished_at) VALUES ('old', 'completed', now() - interval '2 hours')"
    )
    async with a_desk(migrated) as desk:
        await look(desk)
        by_itself = await ended(desk, (await desk.entries("main"))[0])
        by_hand = await ended(desk, await desk.act(order(Action.JANITOR)))
    async with serving({"main": migrated}) as served:
        page = await served.page(f"/control/audit/main-{by_itself.id}")

    assert by_itself.steps == (("delete_completed", 1),)
    assert len(by_hand.steps) == 6
    assert "Failed stuck jobs0 jobs" in page.text
    assert "Deleted old completed jobs1 job" in page.text
    assert "not done" not in page.text


async def test_what_people_did_lately_is_not_lost_between_its_rounds(migrated: str, queue: AsyncConnection) -> None:
    async with a_desk(migrated) as desk:
        await desk.act(order(Action.RUN, job_type="mail"))
    await queue.execute(
        "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
        " SELECT 'main', 'janitor', %s, n::text, '' FROM generate_series(1, 200) AS n",
        [ACTOR],
    )
    await queue.execute(
        "INSERT INTO system_status.admin_action_steps (action_id, seq, step)"
        " SELECT id, 1, 'done' FROM system_status.admin_actions WHERE actor = %s",
        [ACTOR],
    )
    async with serving({"main": migrated}) as served:
        index = await (await served.get("/control/")).json()
        page = await served.page("/control/")
        rounds = await served.page(page.links["The janitor's own rounds"])

    assert [entry["actor"] for entry in index["latest"]] == ["token:ci"]
    assert ACTOR not in page.text
    assert rounds.html.count("/control/audit/main-") == 50


async def test_what_is_at_work_is_shown_however_much_was_done_since(migrated: str, queue: AsyncConnection) -> None:
    await begun(queue, Action.FAIL_ACTIVE, ago="1 day", expires="1 minute")
    await queue.execute(
        "INSERT INTO system_status.admin_actions (at, source, action, actor, request_id, request)"
        " SELECT now() - interval '1 day', 'main', 'fail-active', 'token:ci', n::text, '' "
        "FROM generate_series(1, 200) AS n"
    )
    await queue.execute(
        "INSERT INTO system_status.admin_action_steps (action_id, seq, step)"
        " SELECT id, 1, 'done' FROM system_status.admin_actions WHERE id > 1"
    )
    async with serving({"main": migrated}) as served:
        index = await (await served.get("/control/")).json()

    assert [entry["id"] for entry in index["running"]] == ["main-1"]
