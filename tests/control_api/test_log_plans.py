"""The log is read by its indexes: what one looks costs what one finds, however long the log is."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from psycopg import AsyncConnection

from control_api import audit
from control_api.actions import Action
from control_api.leases import Lease
from control_api.sources import now
from jobqueue.engine import Conn
from tests.control_api.test_desk import order, queue
from tests.engines.piles import rows_read

__all__ = ["queue"]
ROUNDS = 20_000
ENTRIES = "system_status.admin_actions"


@pytest.fixture
async def log(queue: AsyncConnection) -> AsyncConnection:
    """Half a year of the janitor's rounds, and little beside them."""
    await queue.execute(
        "INSERT INTO system_status.admin_actions (at, source, action, actor, request_id, request)"
        " SELECT now() - interval '15 minutes' * (%(rounds)s - n), 'main', 'janitor',"
        "        CASE WHEN n %% 2000 = 0 THEN 'token:ci' ELSE %(itself)s END, n::text, ''"
        "   FROM generate_series(1, %(rounds)s) AS n",
        {"rounds": ROUNDS, "itself": audit.BY_ITSELF},
    )
    await queue.execute(
        "INSERT INTO system_status.admin_action_steps (action_id, seq, step)"
        " SELECT id, 1, 'done' FROM system_status.admin_actions"
    )
    await queue.execute("VACUUM ANALYZE system_status.admin_actions, system_status.admin_action_steps")
    return queue


@pytest.mark.parametrize(
    ("look", "at_most"),
    [
        (lambda conn: audit.entries(conn, source="main"), 50),
        (lambda conn: audit.entries(conn, source="main", action=Action.CANCEL_PENDING), 0),
        (lambda conn: audit.entries(conn, source="main", but=audit.BY_ITSELF, limit=20), 20),
        (lambda conn: audit.entries(conn, source="elsewhere", limit=1), 0),
        (lambda conn: audit.entries(conn, ids=[ROUNDS], source="main"), 1),
        (lambda conn: audit.last_begun(conn, "main", Action.JANITOR), 1),
        (lambda conn: audit.last_begun(conn, "main", Action.JANITOR, but_id=ROUNDS), 2),
        (lambda conn: audit.last_begun(conn, "main", Action.FAIL_ACTIVE), 0),
        (audit.check_readable, 1),
        (lambda conn: audit.last_done(conn, "main", Action.JANITOR), 1),
        (lambda conn: audit.last_done(conn, "main", Action.FAIL_ACTIVE), 0),
        (lambda conn: audit.last_done(conn, "elsewhere", Action.JANITOR), 0),
        (lambda conn: audit.unfinished(conn, "main"), 7 * 24 * 4 + 1),
    ],
)
async def test_a_look_at_the_log_reads_what_it_finds(
    log: AsyncConnection, look: Callable[[Conn], Awaitable[object]], at_most: int
) -> None:
    async with log.transaction():
        before = await rows_read(log, ENTRIES)
        await look(log)
        read = await rows_read(log, ENTRIES) - before

    assert read <= at_most


async def test_a_step_costs_the_same_however_many_an_action_has(log: AsyncConnection) -> None:
    """The check of a new step reads the last one, not all of them."""
    steps, lease = "system_status.admin_action_steps", Lease("main", Action.FAIL_ACTIVE, 0)
    async with log.transaction():
        action_id, _ = await audit.begin(log, order(Action.FAIL_ACTIVE), await now(log))
        lease = replace(lease, action_id=action_id)
        assert await lease.take(log)
        costs = []
        for number in range(300):
            await lease.renew(log)
            before = await rows_read(log, steps)
            await audit.add_step(log, action_id, "fail_active", number)
            costs.append(await rows_read(log, steps) - before)
        assert costs[-1] <= 4
        before = await rows_read(log, steps)
        await audit.end(log, action_id, audit.DONE)
        assert await rows_read(log, steps) - before <= 4


async def test_a_look_at_the_leases_reads_the_one_it_asks_for(log: AsyncConnection) -> None:
    leases = "system_status.admin_action_leases"
    await log.execute(
        "INSERT INTO system_status.admin_action_leases (source, action, action_id, expires_at)"
        " SELECT n::text, 'janitor', n, now() FROM generate_series(1, 5000) AS n"
    )
    await log.execute("ANALYZE system_status.admin_action_leases")
    mine = Lease("4000", Action.JANITOR, 4000)
    async with log.transaction():
        for look in (mine.take, mine.renew, mine.clear, mine.give_up):
            before = await rows_read(log, leases)
            await look(log)
            assert await rows_read(log, leases) - before <= 2
