import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from demo.platform.connection import Conn, connect
from demo.platform.scheduler import Scheduler, register
from tests.demo.jobs import rows, scalar


@pytest.fixture
async def schedules(queue: Conn) -> Conn:
    """The queue with all the catalogue's schedules, each up to date."""
    await register(queue)
    await queue.execute("UPDATE ascent.schedules SET last_enqueued_at = now()")
    return queue


async def missed(conn: Conn, job_type: str, since: str = "1 day") -> None:
    command = f"UPDATE ascent.schedules SET last_enqueued_at = now() - interval '{since}' WHERE job_type = '{job_type}'"
    await conn.execute(command.encode())


async def test_nothing_is_enqueued_between_ticks(schedules: Conn) -> None:
    await schedules.execute("DELETE FROM ascent.schedules WHERE cron <> '15 2 * * *'")
    await schedules.execute("UPDATE ascent.schedules SET enabled = true")

    assert await Scheduler().enqueue_due(schedules) == []


async def test_a_tick_becomes_a_job_with_the_schedules_own_settings(schedules: Conn) -> None:
    await missed(schedules, "email.send_due")
    await schedules.execute("UPDATE ascent.schedules SET payload = '{\"batch\": 50}'")

    await Scheduler().enqueue_due(schedules)

    [job] = await rows(schedules, "SELECT * FROM ascent.jobs WHERE job_type = 'email.send_due'")
    last = await scalar(schedules, "SELECT last_enqueued_at FROM ascent.schedules WHERE job_type = 'email.send_due'")
    assert (job["origin"], job["state"], job["priority"], job["payload"]) == ("schedule", "pending", 10, {"batch": 50})
    assert job["expires_at"] - job["created_at"] == timedelta(minutes=5)
    assert last == job["created_at"]


async def test_ticks_missed_while_no_scheduler_ran_are_made_up_for_once(schedules: Conn) -> None:
    await missed(schedules, "storage.sweep_orphans", since="5 days")
    scheduler = Scheduler()

    first = await scheduler.enqueue_due(schedules)
    second = await scheduler.enqueue_due(schedules)

    assert "storage.sweep_orphans" in first
    assert "storage.sweep_orphans" not in second
    jobs = "SELECT count(*) FROM ascent.jobs WHERE job_type = 'storage.sweep_orphans'"
    assert await scalar(schedules, jobs) == 1


async def test_a_schedule_that_never_ran_begins_with_the_first_tick_to_come(queue: Conn) -> None:
    await register(queue)

    assert await Scheduler().enqueue_due(queue) == []


async def test_a_disabled_schedule_rests(schedules: Conn) -> None:
    await missed(schedules, "exports.nightly", since="2 days")

    assert "exports.nightly" not in await Scheduler().enqueue_due(schedules)


async def test_a_schedule_that_cannot_be_read_stops_no_other(schedules: Conn) -> None:
    await schedules.execute(
        "INSERT INTO ascent.schedules (job_type, cron, timezone, last_enqueued_at)"
        " VALUES ('a.broken', 'at noon', 'UTC', '2020-01-01'), ('a.lost', '* * * * *', 'Mars/Base', '2020-01-01')"
    )
    await missed(schedules, "usage.rollup")

    enqueued = await Scheduler().enqueue_due(schedules)

    assert "usage.rollup" in enqueued
    assert not {"a.broken", "a.lost"} & set(enqueued)


async def test_of_two_schedulers_one_gets_the_tick(schedules: Conn, database: str) -> None:
    await schedules.execute(
        "UPDATE ascent.schedules SET cron = '0 0 1 1 *', last_enqueued_at = now() - interval '2 years'"
    )
    enabled = await scalar(schedules, "SELECT count(*) FROM ascent.schedules WHERE enabled")

    async def schedule() -> Sequence[str]:
        async with await connect(database) as conn:
            return await Scheduler().enqueue_due(conn)

    enqueued = [job_type for each in await asyncio.gather(*(schedule() for _ in range(4))) for job_type in each]

    assert len(enqueued) == enabled
    assert await scalar(schedules, "SELECT count(*) FROM ascent.jobs") == enabled
    assert await scalar(schedules, "SELECT count(DISTINCT job_type) FROM ascent.jobs") == enabled


async def test_registering_again_keeps_the_switch_and_the_place(schedules: Conn) -> None:
    await schedules.execute("UPDATE ascent.schedules SET enabled = NOT enabled, cron = '1 1 1 1 *'")
    before = await rows(schedules, "SELECT job_type, enabled, last_enqueued_at FROM ascent.schedules ORDER BY 1")

    await register(schedules)

    after = await rows(schedules, "SELECT job_type, enabled, last_enqueued_at FROM ascent.schedules ORDER BY 1")
    assert after == before
    assert await scalar(schedules, "SELECT count(*) FROM ascent.schedules WHERE cron = '1 1 1 1 *'") == 0
