"""At most one clean-up of a kind is at work on a source, and no other role can take its place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr

from control_api import audit
from control_api.actions import Action
from control_api.audit import AuditEntry, Request
from control_api.desk import Desk
from control_api.problems import AlreadyRunning
from control_api.sources import ControlledSource
from jobqueue.config import Janitor, Source
from tests.docs.pages import ROOT

_JOBS = 400
_PENDING = f"""
INSERT INTO ascent.jobs (job_type, created_at, run_after)
SELECT 'x', now() - interval '2 h', now() - interval '2 h' FROM generate_series(1, {_JOBS})
"""
_SLOWLY = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_catalog.pg_sleep(0.01); RETURN NEW; END $$;
CREATE TRIGGER slowly BEFORE UPDATE ON ascent.jobs FOR EACH ROW EXECUTE FUNCTION slowly();
"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order is answered without waiting for its clean-up to end."""
    monkeypatch.setattr("control_api.desk.ANSWER_WITHIN", 0.0)


@pytest.fixture
async def owner(migrated: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        await conn.execute(_PENDING.encode())
        await conn.execute(_SLOWLY.encode())
        yield conn


@asynccontextmanager
async def a_desk(address: str) -> AsyncIterator[Desk]:
    desk = Desk([ControlledSource.open(Source("main", SecretStr(address)), read_only=False)], Janitor(), batch=5)
    await desk.open()
    try:
        yield desk
    finally:
        await desk.close()


def order(request_id: str) -> Request:
    return Request("main", Action.CANCEL_PENDING, "token:ci", request_id)


async def ended(desk: Desk, entry: AuditEntry) -> AuditEntry:
    while entry.state == audit.RUNNING:
        await asyncio.sleep(0.02)
        entry = await desk.entry("main", entry.id)
    return entry


async def test_no_lock_that_a_viewer_can_take_keeps_a_clean_up_from_beginning_and_ending(
    owner: AsyncConnection, roles: dict[str, str]
) -> None:
    with psycopg.connect(roles["grafana"]) as viewer:
        for kind in (0x5359_0001, 0x5359_0002):  # the keys of an older version
            viewer.execute(
                "SELECT pg_advisory_lock(%s, hashtext(which))"
                " FROM unnest(array['1', '2', 'main: cancel-pending', 'main: janitor']) AS which",
                (kind,),
            )
        viewer.execute("SELECT FROM system_status.recent_jobs")
        async with a_desk(roles["control"]) as desk:
            done = await ended(desk, await desk.act(order("r1")))

    assert (done.state, done.changed) == (audit.DONE, _JOBS)


def test_nothing_of_ours_takes_an_advisory_lock_which_every_role_can_take() -> None:
    files = [file for folder in ("jobqueue", "exporter", "control_api") for file in (ROOT / folder).rglob("*.*")]
    texts = {file.name: file.read_text("utf-8") for file in files if file.suffix in (".py", ".sql")}

    assert [name for name, text in texts.items() if "pg_advisory" in text or "pg_try_advisory" in text] == []


@pytest.mark.parametrize("role", ["exporter", "grafana"])
def test_no_role_but_that_of_the_control_api_sees_or_takes_a_lease(roles: dict[str, str], role: str) -> None:
    with psycopg.connect(roles[role], autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        for statement in (
            "TABLE system_status.admin_action_leases",
            "DELETE FROM system_status.admin_action_leases",
            "INSERT INTO system_status.admin_action_leases VALUES ('main', 'janitor', 1, now() + interval '20 s')",
            "BEGIN; LOCK TABLE system_status.admin_action_leases IN ACCESS SHARE MODE",
        ):
            with pytest.raises(InsufficientPrivilege):
                conn.execute(statement.encode())
            conn.rollback()


async def test_of_many_orders_at_once_in_two_replicas_one_is_at_work_and_the_others_are_refused(
    owner: AsyncConnection, roles: dict[str, str]
) -> None:
    async with a_desk(roles["control"]) as one, a_desk(roles["control"]) as other:
        orders = [desk.act(order(f"r{number}")) for number in range(6) for desk in (one, other)]
        results = await asyncio.gather(*orders, return_exceptions=True)
        begun = {result.id: result for result in results if isinstance(result, AuditEntry)}
        refused = [result for result in results if isinstance(result, AlreadyRunning)]
        done = [await ended(one, entry) for entry in begun.values()]

    # A request id that two replicas brought is one action, or refused by both.
    assert len(results) == 12
    assert all(isinstance(result, AuditEntry | AlreadyRunning) for result in results)
    assert len(begun) == 1
    assert len(refused) >= 10
    assert [(entry.state, entry.changed) for entry in done] == [(audit.DONE, _JOBS)]


async def test_a_process_that_stood_still_for_longer_than_its_lease_changes_nothing_after_another_took_over(
    owner: AsyncConnection, roles: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_desk(roles["control"]) as frozen, a_desk(roles["control"]) as other:
        first = await frozen.act(order("r1"))
        monkeypatch.setattr("control_api.leases.SECONDS", 0)  # as if it had stood still for so long
        while (await frozen.entry("main", first.id)).state == audit.RUNNING:
            await other.mark_interrupted()
        monkeypatch.undo()
        while frozen.tally.running["main", Action.CANCEL_PENDING]:
            await asyncio.sleep(0.02)
        interrupted = await frozen.entry("main", first.id)
        second = await ended(other, await other.act(order("r2")))

    assert interrupted.state == audit.INTERRUPTED
    assert second.state == audit.DONE
    assert interrupted.changed + second.changed == _JOBS
    ends = "system_status.admin_action_steps WHERE step IN ('done', 'failed', 'interrupted')"
    assert await (await owner.execute(f"SELECT count(*) FROM {ends}".encode())).fetchone() == (2,)


async def test_a_lease_from_before_the_clock_was_set_back_keeps_nobody_waiting(
    owner: AsyncConnection, roles: dict[str, str]
) -> None:
    await owner.execute(
        "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
        " VALUES ('main', 'cancel-pending', 'token:ci', 'r0', '')"
    )
    await owner.execute(
        "INSERT INTO system_status.admin_action_leases VALUES ('main', 'cancel-pending', 1, now() + interval '1 day')"
    )
    async with a_desk(roles["control"]) as desk:
        done = await ended(desk, await desk.act(order("r1")))
        await desk.mark_interrupted()

        assert done.state == audit.DONE
        assert (await desk.entry("main", 1)).state == audit.INTERRUPTED


async def test_an_action_that_has_ended_leaves_no_lease_behind(owner: AsyncConnection, roles: dict[str, str]) -> None:
    async with a_desk(roles["control"]) as desk:
        await ended(desk, await desk.act(order("r1")))

    assert await (await owner.execute("TABLE system_status.admin_action_leases")).fetchall() == []
