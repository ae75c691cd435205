"""What the clean-ups of the Ascent queue touch, and what they leave alone."""

from datetime import datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from control_api.actions import Action, Limits, plan
from jobqueue.engine import Cleanup
from jobqueue.engines import open_engine
from tests.conftest import Server

CONTROL = open_engine("ascent", None).control
FUTURE = timedelta(days=365)

# One second on each side of each limit of the janitor, by the database's clock.
BOUNDARIES = [
    (
        Cleanup.ACTIVE,
        "15 minutes",
        "INSERT INTO ascent.jobs (job_type, state, started_at) VALUES ('x', 'active', {at})",
    ),
    (Cleanup.PENDING, "1 hour", "INSERT INTO ascent.jobs (job_type, created_at, run_after) VALUES ('x', {at}, {at})"),
    (
        Cleanup.COMPLETED,
        "1 hour",
        "INSERT INTO ascent.jobs (job_type, state, finished_at) VALUES ('x', 'completed', {at})",
    ),
    (Cleanup.FAILED, "7 days", "INSERT INTO ascent.jobs (job_type, state, finished_at) VALUES ('x', 'failed', {at})"),
    (Cleanup.WORKERS, "5 minutes", "INSERT INTO ascent.workers (id, mode, last_seen_at) VALUES ('w', 'all', {at})"),
    (Cleanup.TOKENS, "0 s", "INSERT INTO ascent.idempotency_tokens (token, expires_at) VALUES ('t', {at})"),
]


async def database_now(conn: AsyncConnection) -> datetime:
    row = await (await conn.execute("SELECT now()")).fetchone()
    assert row
    moment: datetime = row[0]
    return moment


@pytest.mark.parametrize(("cleanup", "limit", "insert"), BOUNDARIES, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("older", [True, False], ids=["a second older", "a second younger"])
async def test_the_janitor_touches_what_is_a_second_older_than_its_limit_and_nothing_younger(
    conn: AsyncConnection, cleanup: Cleanup, limit: str, insert: str, older: bool
) -> None:
    async with conn.transaction():
        age = f"now() - interval '{limit}' {'-' if older else '+'} interval '1 second'"
        await conn.execute(insert.format(at=age).encode())
        [step] = [step for step in plan(Action.JANITOR, await database_now(conn), Limits()) if step.cleanup is cleanup]

        shown = await CONTROL.concerned(conn, cleanup, step.before, 1000)
        touched = await CONTROL.clean(conn, cleanup, step.before, 1000, step.reason)

        assert (sum(row.rows for row in shown), touched) == ((1, 1) if older else (0, 0))


async def test_a_run_now_job_has_the_schedules_payload_priority_and_expiry_and_is_manual(conn: AsyncConnection) -> None:
    await conn.execute(
        "INSERT INTO ascent.schedules (job_type, cron, priority, expire_after, payload, last_enqueued_at)"
        """ VALUES ('mail', '* * * * *', 10, '5 minutes', '{"to": "all"}', '2026-01-01')"""
    )

    job_id = await CONTROL.run_now(conn, "mail")

    row = await (
        await conn.execute(
            "SELECT id::text, state::text, origin, priority, payload, expires_at - created_at, "
            "(SELECT last_enqueued_at::date::text FROM ascent.schedules) FROM ascent.jobs"
        )
    ).fetchone()
    assert row == (job_id, "pending", "manual", 10, {"to": "all"}, timedelta(minutes=5), "2026-01-01")


async def test_only_a_recurring_job_can_be_run(conn: AsyncConnection) -> None:
    assert await CONTROL.run_now(conn, "on demand") is None


@pytest.mark.parametrize("state", ["pending", "active", "retry", "completed", "failed", "cancelled"])
async def test_each_clean_up_touches_its_own_state_alone(conn: AsyncConnection, state: str) -> None:
    finished = "now()" if state in ("completed", "failed", "cancelled") else "NULL"
    columns = "job_type, state, started_at, finished_at"
    await conn.execute(f"INSERT INTO ascent.jobs ({columns}) VALUES ('x', '{state}', now(), {finished})".encode())
    later = await database_now(conn) + FUTURE

    touched = {
        str(cleanup)
        for cleanup in (Cleanup.ACTIVE, Cleanup.PENDING, Cleanup.COMPLETED, Cleanup.FAILED)
        if (await CONTROL.concerned(conn, cleanup, later, 1000))
    }

    assert touched == {state} & {"active", "pending", "completed", "failed"}


async def test_pending_jobs_that_are_due_later_are_not_cancelled(conn: AsyncConnection) -> None:
    await conn.execute("INSERT INTO ascent.jobs (job_type, run_after) VALUES ('x', now() + interval '1 day')")

    assert await CONTROL.clean(conn, Cleanup.PENDING, await database_now(conn), 10, "r") == 0


async def test_rows_that_somebody_holds_are_passed_over(server: Server, conn: AsyncConnection, database: str) -> None:
    await conn.execute(
        "INSERT INTO ascent.jobs (job_type, created_at, run_after) SELECT 'x', now(), now() FROM generate_series(1, 3)"
    )
    with psycopg.connect(database) as worker:
        worker.execute("SELECT 1 FROM ascent.jobs ORDER BY id LIMIT 1 FOR UPDATE")

        cancelled = await CONTROL.clean(conn, Cleanup.PENDING, await database_now(conn), 10, "r")

    assert cancelled == 2


async def test_a_failed_or_cancelled_job_says_why_and_when(conn: AsyncConnection) -> None:
    await conn.execute("INSERT INTO ascent.jobs (job_type, state, started_at) VALUES ('x', 'active', now())")

    await CONTROL.clean(conn, Cleanup.ACTIVE, await database_now(conn) + FUTURE, 10, "failed by an admin")

    row = await (await conn.execute("SELECT state::text, last_error, finished_at IS NULL FROM ascent.jobs")).fetchone()
    assert row == ("failed", "failed by an admin", False)
