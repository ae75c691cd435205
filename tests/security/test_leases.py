"""Leases say who is at work: no other role can, and at most one clean-up of a kind is, whatever dies or freezes."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.errors import InsufficientPrivilege

from control_api import audit
from control_api.actions import Action
from control_api.audit import AuditEntry
from control_api.desk import Desk
from control_api.problems import AlreadyRunning
from tests.control_api.test_desk import a_desk, begun, count, ended, order, pile
from tests.waiting import PATIENCE, until_found

LENGTH = timedelta(seconds=1)
_AT_WORK = """
import asyncio, sys
from datetime import timedelta
from tests.control_api.test_desk import a_desk, ended, order
from control_api.actions import Action
async def main():
    async with a_desk(sys.argv[1], batch=5, lease=timedelta(seconds=1)) as desk:
        await ended(desk, await desk.act(order(Action.CANCEL_PENDING, "first")))
asyncio.run(main())
"""
_OVERLAPPING = """
WITH worked AS (
  SELECT action_id, min(at) AS first, max(at) AS last
    FROM system_status.admin_action_steps
   WHERE step NOT IN ('done', 'failed', 'interrupted')
   GROUP BY action_id)
SELECT count(*) FROM worked AS one JOIN worked AS other ON one.action_id < other.action_id
 WHERE one.first <= other.last AND other.first <= one.last
"""


@pytest.fixture
async def queue(migrated: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def desk(roles: dict[str, str]) -> AsyncIterator[Desk]:
    async with a_desk(roles["control"], lease=LENGTH) as desk:
        yield desk


async def taken_over(desk: Desk) -> AuditEntry:
    """Clean up as soon as that is possible."""
    end = monotonic() + PATIENCE
    while True:
        try:
            return await ended(desk, await desk.act(order(Action.CANCEL_PENDING, f"second at {monotonic()}")))
        except AlreadyRunning:
            assert monotonic() < end
            await asyncio.sleep(0.1)


async def ends(queue: AsyncConnection) -> list[tuple[int, int]]:
    """How many ends each action has."""
    cursor = await queue.execute(
        "SELECT action.id, count(*) FILTER (WHERE step IN ('done', 'failed', 'interrupted'))::int"
        "  FROM system_status.admin_actions AS action"
        "  LEFT JOIN system_status.admin_action_steps ON action_id = action.id GROUP BY 1 ORDER BY 1"
    )
    return await cursor.fetchall()


async def assert_consistent(queue: AsyncConnection) -> None:
    """What was changed is what the log has, and no two were at work at a time."""
    logged = await (await queue.execute("SELECT sum(changed) FROM system_status.admin_action_steps")).fetchone()
    assert logged == (await count(queue, "ascent.jobs WHERE state = 'cancelled'"),)
    assert await (await queue.execute(_OVERLAPPING.encode())).fetchone() == (0,)


@pytest.mark.parametrize("role", ["exporter", "grafana"])
def test_no_role_but_that_of_the_control_api_sees_or_takes_a_lease(roles: dict[str, str], role: str) -> None:
    statements = (
        "SELECT * FROM system_status.admin_action_leases",
        "INSERT INTO system_status.admin_action_leases VALUES ('main', 'janitor', 1, now() + interval '1 minute')",
        "LOCK TABLE system_status.admin_action_leases IN ACCESS SHARE MODE",
        "LOCK TABLE system_status.admin_actions IN ACCESS SHARE MODE",
    )
    with psycopg.connect(roles[role], autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        for statement in statements:
            with pytest.raises(InsufficientPrivilege), conn.transaction():
                conn.execute(statement.encode())


async def test_no_lock_that_a_viewer_can_take_keeps_a_clean_up_from_beginning_and_ending(
    roles: dict[str, str], desk: Desk
) -> None:
    with psycopg.connect(roles["grafana"], autocommit=True) as viewer:
        # Older versions took these, which pg_locks shows to every role.
        for what, which in ((0x5359_0002, "main: janitor"), (0x5359_0001, "1"), (0x5359_0001, "2")):
            viewer.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [what, which])
        with viewer.transaction():
            viewer.execute("SELECT FROM system_status.recent_jobs")

            entry = await ended(desk, await desk.act(order(Action.JANITOR)))
            again = await ended(desk, await desk.act(order(Action.JANITOR, "again")))

    assert (entry.state, again.state) == (audit.DONE, audit.DONE)


def test_no_program_of_ours_takes_an_advisory_lock() -> None:
    root = Path(__file__).parents[2]
    files = [file for folder in ("control_api", "exporter", "jobqueue") for file in (root / folder).rglob("*.*")]
    texts = {file.name: file.read_text("utf-8") for file in files if file.suffix in (".py", ".sql")}

    assert len(texts) > 50
    assert [name for name, text in texts.items() if "advisory_" in text] == []


async def test_at_most_one_clean_up_of_a_kind_is_at_work_though_replicas_outlast_their_leases(
    roles: dict[str, str], queue: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(1)
    # The pause behind a batch is as long as this clock says that the batch took: now and then it outlasts the lease.
    monkeypatch.setattr("control_api.cleaning.monotonic", lambda: monotonic() + chance.choice([0, 0, 0, 0, 0, 9]))
    monkeypatch.setattr("control_api.desk.ANSWER_WITHIN", 0.05)
    await pile(queue, 3000)

    async def replica(name: str) -> int:
        interrupted = 0
        async with a_desk(roles["control"], batch=20, lease=timedelta(seconds=0.2)) as desk:
            for number in range(200):
                await asyncio.sleep(chance.uniform(0, 0.1))
                try:
                    entry = await desk.act(order(Action.CANCEL_PENDING, f"{name} {number}"))
                    interrupted += (await ended(desk, entry)).state == audit.INTERRUPTED
                except AlreadyRunning:
                    pass
                await desk.mark_interrupted()
                if not await count(queue, "ascent.jobs WHERE state = 'pending'"):
                    break
        return interrupted

    interrupted = sum(await asyncio.gather(*map(replica, "abc")))

    assert interrupted > 0
    assert {number for _, number in await ends(queue)} == {1}
    await assert_consistent(queue)


async def test_after_a_process_was_killed_the_next_clean_up_begins_when_its_lease_has_run_out(
    roles: dict[str, str], desk: Desk, queue: AsyncConnection
) -> None:
    await pile(queue, 2000)
    process = subprocess.Popen([sys.executable, "-c", _AT_WORK, roles["control"]])
    await until_found(lambda: count(queue, "ascent.jobs WHERE state = 'cancelled'"))
    process.kill()
    process.wait()

    entry = await taken_over(desk)
    await desk.mark_interrupted()

    assert entry.state == audit.DONE
    assert [(await desk.entry("main", 1)).state, *await ends(queue)] == [audit.INTERRUPTED, (1, 1), (entry.id, 1)]
    assert await count(queue, "ascent.jobs WHERE state = 'pending'") == 0
    await assert_consistent(queue)


@pytest.mark.parametrize("found_first", [False, True])
async def test_a_frozen_process_changes_nothing_more_once_another_has_taken_its_lease(
    roles: dict[str, str], desk: Desk, queue: AsyncConnection, found_first: bool
) -> None:
    await pile(queue, 2000)
    process = subprocess.Popen([sys.executable, "-c", _AT_WORK, roles["control"]])
    try:
        await until_found(lambda: count(queue, "ascent.jobs WHERE state = 'cancelled'"))
        os.kill(process.pid, signal.SIGSTOP)
        entry = await taken_over(desk)
        if found_first:
            await desk.mark_interrupted()
        await pile(queue, 100)
        await queue.execute(
            "UPDATE ascent.jobs SET created_at = now() - interval '1 hour', run_after = now() - interval '1 hour'"
            " WHERE state = 'pending'"
        )
        os.kill(process.pid, signal.SIGCONT)
        await asyncio.to_thread(process.wait, PATIENCE)
    finally:
        process.kill()
        process.wait()

    first = await desk.entry("main", 1)
    assert (first.state, entry.state) in [(audit.INTERRUPTED, audit.DONE), (audit.FAILED, audit.DONE)]
    assert await ends(queue) == [(1, 1), (entry.id, 1)]
    assert await count(queue, "ascent.jobs WHERE state = 'pending'") >= 100
    await assert_consistent(queue)


async def test_a_lease_that_runs_out_during_a_batch_is_not_taken_before_the_batch_has_ended(
    desk: Desk, queue: AsyncConnection, migrated: str
) -> None:
    action_id = await begun(queue, Action.CANCEL_PENDING, expires="-1 second")
    async with await AsyncConnection.connect(migrated) as batch:
        await batch.execute("UPDATE system_status.admin_action_leases SET expires_at = now() + interval '1 minute'")

        with pytest.raises(AlreadyRunning):
            await desk.act(order(Action.CANCEL_PENDING))
        await desk.mark_interrupted()
        assert (await desk.entry("main", action_id)).state == audit.RUNNING

        await batch.rollback()
        assert (await ended(desk, await desk.act(order(Action.CANCEL_PENDING)))).state == audit.DONE


async def test_a_lease_from_before_the_clock_was_set_back_keeps_nobody_waiting(
    desk: Desk, queue: AsyncConnection
) -> None:
    action_id = await begun(queue, Action.CANCEL_PENDING, expires="1 day")

    entry = await ended(desk, await desk.act(order(Action.CANCEL_PENDING)))
    await desk.mark_interrupted()

    assert (entry.state, (await desk.entry("main", action_id)).state) == (audit.DONE, audit.INTERRUPTED)
