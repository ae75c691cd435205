"""Clean-ups beside everything else: one of a kind, on connections of their own, with one end each."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from control_api import audit
from control_api.actions import Action
from control_api.desk import Desk
from control_api.problems import AlreadyRunning, Problem
from control_api.sources import ControlledSource
from jobqueue.config import Janitor, Source
from tests.control_api.test_asking import CLEAN_UPS, queue
from tests.control_api.test_desk import a_desk, begun, controlled, count, ended, order, pile
from tests.waiting import PATIENCE, until_found

__all__ = ["queue"]

_SLOWLY = (
    b"CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
    b" $$ BEGIN PERFORM pg_sleep(0.05); RETURN coalesce(NEW, OLD); END $$;"
    b"CREATE TRIGGER slowly BEFORE UPDATE OR DELETE ON ascent.jobs FOR EACH ROW EXECUTE FUNCTION slowly()"
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a clean-up to end."""
    monkeypatch.setattr("control_api.desk.ANSWER_WITHIN", 0.0)


@pytest.fixture
async def held(migrated: str, queue: AsyncConnection) -> None:
    """Every clean-up has much to do, and slowly."""
    await queue.execute(_SLOWLY)
    for state in ("active", "pending", "completed"):
        finished = "now() - interval '2 h'" if state == "completed" else "NULL"
        await queue.execute(
            "INSERT INTO ascent.jobs (job_type, state, created_at, run_after, started_at, finished_at) "
            f"SELECT 'x', '{state}', now() - interval '2 h', now() - interval '2 h', now() - interval '2 h', {finished}"
            " FROM generate_series(1, 500)".encode()
        )


@pytest.mark.usefixtures("held")
async def test_all_at_once_leave_the_connections_to_those_who_ask(migrated: str) -> None:
    async with a_desk(migrated, batch=1) as desk:
        await asyncio.gather(*(desk.act(order(action, str(action))) for action in CLEAN_UPS))
        held = [await desk.sources["main"].pool.getconn() for _ in range(desk.sources["main"].pool.max_size - 1)]
        async with asyncio.timeout(PATIENCE):
            states = {entry.action: entry.state for entry in await desk.entries("main")}
        for conn in held:
            await desk.sources["main"].pool.putconn(conn)

    assert states == dict.fromkeys(CLEAN_UPS, audit.RUNNING)


@pytest.mark.usefixtures("held")
async def test_what_is_broken_off_is_marked_although_nobody_can_borrow_a_connection(
    migrated: str, queue: AsyncConnection
) -> None:
    async with a_desk(migrated, batch=1) as desk:
        await asyncio.gather(*(desk.act(order(action, str(action))) for action in CLEAN_UPS))
        pool = desk.sources["main"].pool
        for _ in range(pool.max_size):
            await pool.getconn()

    assert await count(queue, "system_status.admin_action_steps WHERE step = 'interrupted'") == len(CLEAN_UPS)


async def test_between_two_batches_the_workers_have_the_database_for_as_long_as_one_took(
    migrated: str, queue: AsyncConnection
) -> None:
    """A batch of two rows takes a tenth of a second, and has its row in the log at its end."""
    await queue.execute("INSERT INTO ascent.jobs (job_type, state) SELECT 'x', 'active' FROM generate_series(1, 8)")
    await queue.execute(_SLOWLY)
    async with a_desk(migrated, batch=2) as desk:
        await ended(desk, await desk.act(order(Action.FAIL_ACTIVE)))

    rows = await queue.execute(
        "SELECT at - lag(at) OVER (ORDER BY seq) FROM system_status.admin_action_steps WHERE step = 'fail_active'"
    )
    between = [gap.total_seconds() for (gap,) in await rows.fetchall() if gap]
    assert len(between) >= 3
    assert min(between[:3]) >= 2 * 2 * 0.05


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("action", CLEAN_UPS)
@pytest.mark.parametrize("replicas", [1, 2])
async def test_a_second_one_of_a_kind_is_refused_here_and_in_another_replica(
    migrated: str, queue: AsyncConnection, action: Action, replicas: int
) -> None:
    async with a_desk(migrated, batch=1) as one, a_desk(migrated, batch=1) as two:
        other = one if replicas == 1 else two
        first = await one.act(order(action, "first"))
        with pytest.raises(AlreadyRunning, match=action.title):
            await other.act(order(action, "second"))
        again = await other.act(order(action, "first"))

    assert (again.id, again.replayed) == (first.id, True)
    assert await count(queue, "system_status.admin_actions") == 1


@pytest.mark.parametrize("action", CLEAN_UPS)
async def test_the_same_request_at_once_from_two_replicas_is_begun_once(
    migrated: str, queue: AsyncConnection, action: Action
) -> None:
    async with a_desk(migrated) as one, a_desk(migrated) as other:
        entries = await asyncio.gather(*(desk.act(order(action)) for desk in (one, other) for _ in range(5)))

    assert len({entry.id for entry in entries}) == 1
    assert sorted(entry.replayed for entry in entries) == [False] + [True] * 9


async def test_one_that_lost_its_lease_changes_nothing_more_and_says_so(migrated: str, queue: AsyncConnection) -> None:
    await pile(queue, 2000)
    async with a_desk(migrated, batch=5) as desk:
        entry = await desk.act(order(Action.CANCEL_PENDING))
        await until_found(lambda: count(queue, "ascent.jobs WHERE state = 'cancelled'"))
        await queue.execute("DELETE FROM system_status.admin_action_leases")
        entry = await ended(desk, entry)

    assert entry.state == audit.INTERRUPTED
    assert entry.changed == await count(queue, "ascent.jobs WHERE state = 'cancelled'") < 2000
    assert "stood still" in (entry.note or "")


async def test_an_action_has_one_end_the_first(migrated: str, queue: AsyncConnection) -> None:
    async with a_desk(migrated) as desk:
        entry = await ended(desk, await desk.act(order(Action.CANCEL_PENDING)))
        async with desk.sources["main"].connection() as conn:
            second = await audit.end(conn, entry.id, audit.INTERRUPTED, "too late")
        assert second == (audit.DONE, False)
        assert await desk.entry("main", entry.id) == entry


async def test_whenever_it_is_broken_off_it_has_one_end_and_the_metric_is_that_of_the_log(
    migrated: str, queue: AsyncConnection
) -> None:
    chance = random.Random(1)
    outcomes: dict[str, int] = {}
    for number in range(60):
        async with a_desk(migrated) as desk:
            await desk.act(order(Action.CANCEL_PENDING, f"r{number}"))
            await asyncio.sleep(chance.uniform(0, 0.02))
        for (_, _, outcome), times in desk.tally.outcomes.items():
            outcomes[outcome] = outcomes.get(outcome, 0) + times

    found = await (
        await queue.execute(
            "SELECT step, count(*) FROM system_status.admin_action_steps"
            " WHERE step IN ('done', 'failed', 'interrupted') GROUP BY step"
        )
    ).fetchall()
    assert dict(found) == outcomes
    assert sum(outcomes.values()) == 60
    assert "failed" not in outcomes


@pytest.mark.parametrize("action", CLEAN_UPS)
@pytest.mark.parametrize("statement", range(1, 16))
async def test_cut_off_between_any_two_statements_what_is_changed_is_what_the_log_has(
    migrated: str, queue: AsyncConnection, monkeypatch: pytest.MonkeyPatch, action: Action, statement: int
) -> None:
    executed = 0
    execute = AsyncConnection.execute

    async def cut_off(self: AsyncConnection, *arguments: Any, **keywords: Any) -> Any:
        nonlocal executed
        executed += 1
        if executed == statement:
            with psycopg.connect(migrated, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s)", [self.info.backend_pid])
        return await execute(self, *arguments, **keywords)

    changed = (
        "ascent.jobs WHERE last_error IS NOT NULL OR state = 'cancelled'"
        if action is not Action.JANITOR
        else "ascent.jobs WHERE last_error IS NOT NULL"
    )
    deleted = ("ascent.jobs", "ascent.workers", "ascent.idempotency_tokens")
    before = sum([await count(queue, table) for table in deleted])
    async with a_desk(migrated, batch=1) as desk:
        monkeypatch.setattr(AsyncConnection, "execute", cut_off)
        with suppress(Problem, psycopg.Error):
            await desk.act(order(action))
        await _quiet(desk)
        monkeypatch.undo()
        touched = await count(queue, changed) + before - sum([await count(queue, table) for table in deleted])
        logged = await queue.execute("SELECT coalesce(sum(changed), 0) FROM system_status.admin_action_steps")
        assert (touched,) == await logged.fetchone()

        await desk.mark_interrupted()
        again = await ended(desk, await desk.act(order(action, "again")))

    assert again.state == audit.DONE
    assert await count(queue, "system_status.admin_actions") == await count(
        queue, "system_status.admin_action_steps WHERE step IN ('done', 'failed', 'interrupted')"
    )


@pytest.mark.parametrize("damaged", [False, True])
async def test_the_next_one_can_begin_as_soon_as_one_has_ended(
    migrated: str, queue: AsyncConnection, damaged: bool
) -> None:
    if damaged:
        await queue.execute("ALTER TABLE ascent.jobs ADD CHECK (last_error IS NULL) NOT VALID")
    async with a_desk(migrated) as desk:
        for number in range(20):
            entry = await ended(desk, await desk.act(order(Action.FAIL_ACTIVE, f"r{number}")))
            assert entry.state == (audit.FAILED if damaged else audit.DONE)


async def _quiet(desk: Desk) -> None:
    async def nobody() -> bool:
        return not any(desk.tally.running.values())

    await until_found(nobody)


async def test_what_died_in_the_middle_is_found_however_old_and_whichever_source_is_away(
    migrated: str, queue: AsyncConnection
) -> None:
    away = Source(name="away", dsn=SecretStr("postgresql://nobody@127.0.0.1:1/none"))
    desk = Desk([ControlledSource.open(away, read_only=False), controlled(migrated)], Janitor(), 10)
    await begun(queue, Action.FAIL_ACTIVE, ago="30 days")
    await desk.open()
    await desk.mark_interrupted()
    [entry] = await desk.entries("main")
    await desk.close()

    assert entry.state == audit.INTERRUPTED


async def test_where_it_is_read_only_nothing_is_marked(migrated: str, queue: AsyncConnection) -> None:
    await begun(queue, Action.FAIL_ACTIVE, ago="1 hour")
    async with a_desk(migrated, read_only=True) as desk:
        await desk.mark_interrupted()
        [entry] = await desk.entries("main")

    assert entry.state == audit.RUNNING
