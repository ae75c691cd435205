"""What the clean-ups of the Ascent queue touch, and what they leave alone."""

from datetime import datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from control_api.actions import Action, plan
from jobqueue.config import Janitor
from jobqueue.engine import Cleanup
from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.engines.piles import Pile, batch_of

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
        [step] = [step for step in plan(Action.JANITOR, await database_now(conn), Janitor()) if step.cleanup is cleanup]

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


_JOBS = "INSERT INTO ascent.jobs (job_type, created_at, run_after, state, started_at, finished_at) SELECT 'x', at, at"
_OF_OLD = "FROM generate_series(1, {rows}) AS n, LATERAL (SELECT now() - n * interval '1 s' AS at) AS past"
_WAITING = f"{_JOBS}, 'pending', NULL, NULL {_OF_OLD}"
_ENDED = f"{_JOBS}, 'completed', at, at {_OF_OLD}"
PILES = [
    Pile(Cleanup.ACTIVE, "ascent.jobs", _ENDED, f"{_JOBS}, 'active', at, NULL {_OF_OLD}"),
    Pile(Cleanup.PENDING, "ascent.jobs", _ENDED, _WAITING),
    Pile(Cleanup.COMPLETED, "ascent.jobs", _WAITING, _ENDED),
    Pile(Cleanup.FAILED, "ascent.jobs", _WAITING, f"{_JOBS}, 'failed', at, at {_OF_OLD}"),
    Pile(
        Cleanup.WORKERS,
        "ascent.workers",
        "INSERT INTO ascent.workers (id, mode, last_seen_at)"
        " SELECT 'new-' || n, 'all', 'infinity' FROM generate_series(1, {rows}) AS n",
        f"INSERT INTO ascent.workers (id, mode, last_seen_at) SELECT 'old-' || n, 'all', at {_OF_OLD}",
    ),
    Pile(
        Cleanup.TOKENS,
        "ascent.idempotency_tokens",
        "INSERT INTO ascent.idempotency_tokens (token, expires_at)"
        " SELECT 'new-' || n, 'infinity' FROM generate_series(1, {rows}) AS n",
        f"INSERT INTO ascent.idempotency_tokens (token, expires_at) SELECT 'old-' || n, at {_OF_OLD}",
    ),
]


@pytest.mark.parametrize("pile", PILES, ids=lambda pile: str(pile.cleanup))
async def test_a_batch_is_a_batch_where_the_planner_knows_nothing_of_the_pile(
    conn: AsyncConnection, pile: Pile
) -> None:
    found = await batch_of(conn, CONTROL, pile, rows=5000, batch=50)

    assert found.changed == 50
    # Twice is what it takes; workers have no index by age, and are few.
    assert found.read <= (2 * 5000 + 50 if pile.cleanup is Cleanup.WORKERS else 2 * 50)


@pytest.mark.parametrize("state", ["active", "pending", "completed", "failed"])
@pytest.mark.parametrize("moment", ["-infinity", "4000-01-01 BC"])
async def test_a_time_that_no_calendar_holds_is_shown_as_none(conn: AsyncConnection, state: str, moment: str) -> None:
    ended = f"'{moment}'" if state in ("completed", "failed") else "NULL"
    await conn.execute(
        "INSERT INTO ascent.jobs (job_type, state, created_at, run_after, started_at, finished_at)"
        f" VALUES ('x', '{state}', '{moment}', '{moment}', '{moment}', {ended})".encode()
    )

    [shown] = await CONTROL.concerned(conn, Cleanup(state), await database_now(conn), 10)

    assert (shown.name, shown.rows, shown.oldest) == ("x", 1, None)


@pytest.mark.parametrize(
    ("cleanup", "insert"),
    [
        (Cleanup.WORKERS, "INSERT INTO ascent.workers (id, mode, last_seen_at) VALUES ('w', 'all', '-infinity')"),
        (Cleanup.TOKENS, "INSERT INTO ascent.idempotency_tokens (token, expires_at) VALUES ('t', '-infinity')"),
    ],
)
async def test_nor_does_that_of_a_worker_or_a_token(conn: AsyncConnection, cleanup: Cleanup, insert: str) -> None:
    await conn.execute(insert.encode())

    [shown] = await CONTROL.concerned(conn, cleanup, await database_now(conn), 10)

    assert (shown.rows, shown.oldest) == (1, None)


async def test_an_active_job_that_does_not_say_when_it_started_is_failed_by_its_age(conn: AsyncConnection) -> None:
    await conn.execute(
        "INSERT INTO ascent.jobs (job_type, state, created_at) VALUES ('x', 'active', now() - interval '20 minutes')"
    )
    now = await database_now(conn)

    for age, touched in ((timedelta(minutes=21), 0), (timedelta(minutes=19), 1)):
        shown = await CONTROL.concerned(conn, Cleanup.ACTIVE, now - age, 10)
        assert sum(row.rows for row in shown) == touched
        assert await CONTROL.clean(conn, Cleanup.ACTIVE, now - age, 10, "r") == touched
