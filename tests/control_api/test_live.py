"""Every action does what it says on a platform whose workers really run jobs."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from control_api import audit
from control_api.actions import Action
from control_api.desk import Desk
from demo.processes import Child
from tests.control_api.test_desk import a_desk, count, ended, order
from tests.waiting import until_found

SPEED = "20"
LONG = "storage.sweep_orphans"  # takes five seconds at this speed


@pytest.fixture
async def queue(migrated: str, tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    """A queue at which a scheduler and workers are busy."""
    command = ["demo", "platform", "--database-url", migrated, "--no-history", "--workers", "1", "--speed", SPEED]
    platform = Child.start("platform", [sys.executable, "-m", *command], log=tmp_path / "platform.log")
    try:
        async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
            await until_found(lambda: count(conn, "ascent.workers WHERE mode <> 'server'"))
            yield conn
    finally:
        platform.stop()


@pytest.fixture
async def desk(migrated: str) -> AsyncIterator[Desk]:
    async with a_desk(migrated) as desk:
        yield desk


async def test_a_run_is_picked_up_by_a_worker_and_is_manual(desk: Desk, queue: AsyncConnection) -> None:
    entry = await desk.act(order(Action.RUN, job_type="sessions.cleanup"))

    job = f"ascent.jobs WHERE id = {entry.note} AND origin = 'manual'"
    await until_found(lambda: count(queue, f"{job} AND state = 'completed' AND worker_id IS NOT NULL"))


async def test_a_failed_active_job_stays_failed_when_its_worker_finishes_later(
    desk: Desk, queue: AsyncConnection
) -> None:
    entry = await desk.act(order(Action.RUN, "run", job_type=LONG))
    job = f"ascent.jobs WHERE id = {entry.note}"
    await until_found(lambda: count(queue, f"{job} AND state = 'active'"))
    busy = f"ascent.workers WHERE current_job_id = {entry.note}"
    await until_found(lambda: count(queue, busy))

    done = await ended(desk, await desk.act(order(Action.FAIL_ACTIVE, "fail")))

    assert done.state == audit.DONE
    assert done.changed >= 1
    await until_found(lambda: _gone(queue, busy))  # the worker has come to its end
    assert await count(queue, f"{job} AND state = 'failed' AND last_error = 'failed by an admin'") == 1


async def test_cancelled_pending_jobs_come_back_with_the_next_tick(desk: Desk, queue: AsyncConnection) -> None:
    due = "ascent.jobs WHERE job_type = 'email.send_due' AND origin = 'schedule'"
    await queue.execute("INSERT INTO ascent.jobs (job_type, priority, created_at) VALUES ('nobody.runs', -99, now())")

    await ended(desk, await desk.act(order(Action.CANCEL_PENDING)))
    before = await count(queue, due)
    await queue.execute(
        "UPDATE ascent.schedules SET last_enqueued_at = now() - interval '2 minutes' WHERE job_type = 'email.send_due'"
    )

    await until_found(lambda: _more(queue, due, before))


async def _gone(queue: AsyncConnection, what: str) -> bool:
    return not await count(queue, what)


async def _more(queue: AsyncConnection, what: str, before: int) -> bool:
    return await count(queue, what) > before
