"""What is ordered is done once, with its row in the log, and only to what was meant."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from control_api import audit
from control_api.actions import Action
from control_api.audit import AuditEntry, Request
from control_api.desk import Desk
from control_api.leases import LENGTH
from control_api.problems import AlreadyRunning, NotFound, ReadOnly, RequestIdReused, Unavailable
from control_api.sources import ControlledSource
from jobqueue.config import Janitor, Source
from tests.conftest import Server
from tests.waiting import PATIENCE


def controlled(address: str, *, read_only: bool = False, schema: str | None = None) -> ControlledSource:
    return ControlledSource.open(Source(name="main", dsn=SecretStr(address), schema=schema), read_only=read_only)


@asynccontextmanager
async def a_desk(
    address: str,
    *,
    batch: int = 1000,
    read_only: bool = False,
    lease: timedelta = LENGTH,
    schema: str | None = None,
) -> AsyncIterator[Desk]:
    desk = Desk([controlled(address, read_only=read_only, schema=schema)], Janitor(), batch, lease)
    await desk.open()
    yield desk
    await desk.close()


@pytest.fixture
async def desk(migrated: str) -> AsyncIterator[Desk]:
    async with a_desk(migrated) as desk:
        yield desk


@pytest.fixture
async def queue(migrated: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        await conn.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES ('mail', '* * * * *')")
        yield conn


async def count(conn: AsyncConnection, what: str) -> int:
    row = await (await conn.execute(f"SELECT count(*) FROM {what}".encode())).fetchone()
    return int(row[0]) if row else 0


async def begun(queue: AsyncConnection, action: str, *, ago: str = "0 s", expires: str | None = None) -> int:
    """An action that somebody began without an end, whose lease, if it has one, expires in a while; answers its id."""
    cursor = await queue.execute(
        "INSERT INTO system_status.admin_actions (at, source, action, actor, request_id, request)"
        " VALUES (now() - %s::interval, 'main', %s, 'token:ci', gen_random_uuid()::text, '') RETURNING id",
        [ago, action],
    )
    [action_id] = await cursor.fetchone() or (0,)
    if expires is not None:
        await queue.execute(
            "INSERT INTO system_status.admin_action_leases (source, action, action_id, expires_at)"
            " VALUES ('main', %s, %s, now() + %s::interval)",
            [action, action_id, expires],
        )
    return int(action_id)


def order(action: Action, request_id: str = "r1", **more: Any) -> Request:
    return Request("main", action, more.pop("actor", "token:ci"), request_id, **more)


async def ended(desk: Desk, entry: AuditEntry) -> AuditEntry:
    async with asyncio.timeout(PATIENCE):
        while entry.state == audit.RUNNING:
            await asyncio.sleep(0.02)
            entry = await desk.entry("main", entry.id)
    return entry


async def test_a_run_is_queued_once_with_its_row_in_the_log(desk: Desk, queue: AsyncConnection) -> None:
    entry = await desk.act(order(Action.RUN, job_type="mail"))

    assert (entry.state, entry.changed, entry.actor, entry.job_type) == (audit.DONE, 1, "token:ci", "mail")
    row = await (await queue.execute("SELECT id::text, origin FROM ascent.jobs")).fetchone()
    assert row == (entry.note, "manual")


async def test_the_same_request_twice_is_done_once_and_answered_the_same(desk: Desk, queue: AsyncConnection) -> None:
    first = await desk.act(order(Action.RUN, job_type="mail"))
    second = await desk.act(order(Action.RUN, job_type="mail"))

    assert first == second
    assert await count(queue, "ascent.jobs") == 1


async def test_the_same_request_at_once_from_two_replicas_is_done_once(migrated: str, queue: AsyncConnection) -> None:
    async with a_desk(migrated) as one, a_desk(migrated) as other:
        entries = await asyncio.gather(
            *(desk.act(order(Action.RUN, job_type="mail")) for desk in (one, other) for _ in range(5))
        )

    assert len({entry.id for entry in entries}) == 1
    assert await count(queue, "ascent.jobs") == 1


async def test_a_request_id_belongs_to_its_actor(desk: Desk, queue: AsyncConnection) -> None:
    await desk.act(order(Action.RUN, job_type="mail", actor="token:ci"))
    await desk.act(order(Action.RUN, job_type="mail", actor="grafana:ann"))

    assert await count(queue, "ascent.jobs") == 2


async def test_a_request_id_for_something_else_is_refused(desk: Desk, queue: AsyncConnection) -> None:
    await desk.act(order(Action.RUN, job_type="mail"))

    with pytest.raises(RequestIdReused):
        await desk.act(order(Action.CANCEL_PENDING))


async def test_a_request_id_for_what_was_shown_at_another_time_is_refused(desk: Desk, queue: AsyncConnection) -> None:
    shown_at = (await desk.ask("main", Action.CANCEL_PENDING)).at
    first = await desk.act(order(Action.CANCEL_PENDING, shown_at=shown_at))

    assert await desk.act(order(Action.CANCEL_PENDING, shown_at=shown_at)) == first
    for other in (shown_at - timedelta(seconds=1), None):
        with pytest.raises(RequestIdReused):
            await desk.act(order(Action.CANCEL_PENDING, shown_at=other))


@pytest.mark.parametrize("databases", [1, 2])
async def test_a_request_id_belongs_to_its_source_wherever_its_log_is(
    server: Server, migrated: str, migrated_template: str, databases: int
) -> None:
    other = migrated if databases == 1 else server.url(server.create_database(migrated_template))
    sources = [
        ControlledSource.open(Source(name=name, dsn=SecretStr(dsn)), read_only=False)
        for name, dsn in (("main", migrated), ("eu", other))
    ]
    desk = Desk(sources, Janitor(), 1000)
    await desk.open()
    entries = [await desk.act(Request(name, Action.CANCEL_PENDING, "token:ci", "r1")) for name in ("main", "eu")]
    await desk.close()

    assert [(entry.source, entry.replayed) for entry in entries] == [("main", False), ("eu", False)]


async def test_what_has_no_schedule_cannot_be_run_and_leaves_no_row(desk: Desk, queue: AsyncConnection) -> None:
    with pytest.raises(NotFound, match="not a recurring job"):
        await desk.act(order(Action.RUN, job_type="on demand"))

    assert await count(queue, "system_status.admin_actions") == 0


async def test_an_unknown_source_is_named_with_those_there_are(desk: Desk) -> None:
    with pytest.raises(NotFound, match=r"'eu'; there are: main"):
        await desk.act(Request("eu", Action.JANITOR, "token:ci", "r1"))


@pytest.mark.parametrize("action", [Action.RUN, Action.JANITOR])
async def test_nothing_is_done_where_it_is_read_only(migrated: str, queue: AsyncConnection, action: Action) -> None:
    async with a_desk(migrated, read_only=True) as desk:
        with pytest.raises(ReadOnly):
            await desk.act(order(action, job_type="mail" if action is Action.RUN else None))

    assert await count(queue, "system_status.admin_actions") == 0


async def test_a_database_that_is_away_is_said_to_be() -> None:
    async with a_desk("postgresql://nobody@127.0.0.1:1/none") as desk:
        with pytest.raises(Unavailable):
            async with asyncio.timeout(PATIENCE):
                await desk.act(order(Action.JANITOR))


async def test_only_the_rows_that_were_there_when_the_page_was_shown_are_touched(
    desk: Desk, queue: AsyncConnection
) -> None:
    await queue.execute(
        "INSERT INTO ascent.jobs (job_type, created_at, run_after)"
        " VALUES ('old', now() - interval '1 s', now() - interval '1 s')"
    )
    asked = await desk.ask("main", Action.CANCEL_PENDING)
    await queue.execute("INSERT INTO ascent.jobs (job_type) VALUES ('new')")

    entry = await desk.act(order(Action.CANCEL_PENDING, shown_at=asked.at))

    assert [(row.name, row.rows) for step in asked.steps for row in step.concerned] == [("old", 1)]
    assert (entry.state, entry.changed) == (audit.DONE, 1)
    rows = await (
        await queue.execute("SELECT job_type, state::text, last_error FROM ascent.jobs ORDER BY id")
    ).fetchall()
    assert rows == [("old", "cancelled", "cancelled by an admin"), ("new", "pending", None)]


async def test_a_moment_that_has_not_come_yet_is_not_believed(desk: Desk, queue: AsyncConnection) -> None:
    """Else a page of the future would reach what comes while the clean-up is at work."""
    await queue.execute(
        "INSERT INTO ascent.jobs (job_type, created_at, run_after)"
        " SELECT 'x', now() + late, now() + late FROM unnest(ARRAY[interval '-1 s', '10 min']) AS late"
    )
    in_an_hour = (await desk.ask("main", Action.CANCEL_PENDING)).at + timedelta(hours=1)

    entry = await desk.act(order(Action.CANCEL_PENDING, shown_at=in_an_hour))

    assert (entry.state, entry.changed) == (audit.DONE, 1)
    assert await count(queue, "ascent.jobs WHERE state = 'pending'") == 1


async def test_asking_changes_nothing(desk: Desk, queue: AsyncConnection) -> None:
    await queue.execute("INSERT INTO ascent.jobs (job_type) VALUES ('x')")

    for action in (Action.JANITOR, Action.FAIL_ACTIVE, Action.CANCEL_PENDING):
        await desk.ask("main", action)
    await desk.ask("main", Action.RUN, "mail")

    assert await count(queue, "ascent.jobs WHERE state = 'pending'") == 1
    assert await count(queue, "system_status.admin_actions") == 0


async def test_a_worker_that_finishes_a_failed_job_later_does_not_overwrite_it(
    desk: Desk, queue: AsyncConnection
) -> None:
    await queue.execute(
        "INSERT INTO ascent.jobs (job_type, state, started_at, worker_id)"
        " VALUES ('x', 'active', now() - interval '1 s', 'w')"
    )

    await ended(desk, await desk.act(order(Action.FAIL_ACTIVE)))
    finished = await queue.execute(
        "UPDATE ascent.jobs SET state = 'completed', finished_at = now() WHERE state = 'active' AND worker_id = 'w'"
    )

    assert finished.rowcount == 0
    assert await count(queue, "ascent.jobs WHERE state = 'failed' AND last_error = 'failed by an admin'") == 1


async def pile(queue: AsyncConnection, jobs: int) -> None:
    await queue.execute(
        "INSERT INTO ascent.jobs (job_type, created_at, run_after) "
        "SELECT 'pile', now() - interval '1 s', now() - interval '1 s' FROM generate_series(1, %s)",
        [jobs],
    )


async def test_a_large_clean_up_goes_in_batches_and_shows_its_progress(migrated: str, queue: AsyncConnection) -> None:
    await pile(queue, 500)
    async with a_desk(migrated, batch=20) as desk:
        seen = []
        async with asyncio.timeout(PATIENCE):
            entry, acting = None, asyncio.create_task(desk.act(order(Action.CANCEL_PENDING)))
            while entry is None or entry.state == audit.RUNNING:
                for entry in await desk.entries("main"):
                    seen.append(entry.changed)
                await asyncio.sleep(0.005)
            await acting

    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    assert (entry.state, entry.changed) == (audit.DONE, 500)
    assert await count(queue, "system_status.admin_action_steps") == 500 // 20 + 1  # the batches and the end


async def test_one_janitor_at_a_time_for_a_source_also_across_replicas(migrated: str, queue: AsyncConnection) -> None:
    await queue.execute(
        "INSERT INTO ascent.jobs (job_type, state, finished_at) "
        "SELECT 'old', 'completed', now() - interval '2 hours' FROM generate_series(1, 3000)"
    )
    async with a_desk(migrated, batch=5) as one, a_desk(migrated) as other:
        running = asyncio.create_task(one.act(order(Action.JANITOR, "first")))
        async with asyncio.timeout(PATIENCE):
            while not await one.entries("main"):
                await asyncio.sleep(0.005)
        with pytest.raises(AlreadyRunning):
            await other.act(order(Action.JANITOR, "second"))
        again = await other.act(order(Action.JANITOR, "first"))
        assert again.id == (await running).id
    last = await count(queue, "system_status.admin_actions")
    assert last == 1


async def test_stopping_in_the_middle_marks_it_interrupted_and_starting_again_finishes(
    migrated: str, queue: AsyncConnection
) -> None:
    await pile(queue, 400)
    async with a_desk(migrated, batch=5) as desk:
        asyncio.create_task(desk.act(order(Action.CANCEL_PENDING, "first")))  # noqa: RUF006 -- it is cut off below
        async with asyncio.timeout(PATIENCE):
            while not (entries := await desk.entries("main")) or not entries[0].changed:
                await asyncio.sleep(0.005)
    async with a_desk(migrated) as desk:
        [stopped] = await desk.entries("main")
        assert stopped.state == audit.INTERRUPTED
        assert 0 < stopped.changed < 400

        rest = await ended(desk, await desk.act(order(Action.CANCEL_PENDING, "second")))

    assert stopped.changed + rest.changed == 400
    assert await count(queue, "ascent.jobs WHERE state = 'cancelled'") == 400


_KILLED = """
import asyncio, sys
from datetime import timedelta
from tests.control_api.test_desk import a_desk, order
from control_api.actions import Action
from tests.waiting import PATIENCE
async def main():
    async with a_desk(sys.argv[1], batch=5, lease=timedelta(seconds=2)) as desk:
        await desk.act(order(Action.CANCEL_PENDING, "first"))
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_process_killed_in_the_middle_is_found_by_another_replica(
    migrated: str, queue: AsyncConnection
) -> None:
    await pile(queue, 2000)
    process = subprocess.Popen([sys.executable, "-c", _KILLED, migrated])
    try:
        async with a_desk(migrated) as desk:
            async with asyncio.timeout(PATIENCE):
                while not (entries := await desk.entries("main")) or not entries[0].changed:
                    await asyncio.sleep(0.01)
            await desk.mark_interrupted()
            assert (await desk.entries("main"))[0].state == audit.RUNNING  # it is alive

            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            async with asyncio.timeout(PATIENCE):
                while (await desk.entries("main"))[0].state == audit.RUNNING:
                    await desk.mark_interrupted()
                    await asyncio.sleep(0.05)

            [entry] = await desk.entries("main")
            assert entry.state == audit.INTERRUPTED
            assert await count(queue, "ascent.jobs WHERE state = 'cancelled'") == entry.changed
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("statement", range(1, 10))
async def test_a_run_cut_off_between_any_two_statements_happened_with_its_row_or_not_at_all(
    migrated: str, queue: AsyncConnection, monkeypatch: pytest.MonkeyPatch, statement: int
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

    async with a_desk(migrated) as desk:
        monkeypatch.setattr(AsyncConnection, "execute", cut_off)
        # Before it is lent a connection that is gone is found out, and behind the commit it is done.
        with pytest.raises(Unavailable) if 2 <= statement <= 8 else _whatever():
            await desk.act(order(Action.RUN, job_type="mail"))
        monkeypatch.undo()
        jobs, rows = await count(queue, "ascent.jobs"), await count(queue, "system_status.admin_actions")
        assert jobs == rows

        await desk.act(order(Action.RUN, job_type="mail"))
        assert await count(queue, "ascent.jobs") == await count(queue, "system_status.admin_actions") == 1


class _whatever:  # noqa: N801 -- reads as one word beside pytest.raises
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, Unavailable)


async def test_workers_that_fetch_are_not_kept_waiting_and_nothing_deadlocks(
    migrated: str, queue: AsyncConnection
) -> None:
    await pile(queue, 3000)

    def fetch(address: str, stop: Callable[[], bool]) -> int:
        fetched = 0
        with psycopg.connect(address, autocommit=True) as conn:
            while not stop():
                fetched += conn.execute(
                    "UPDATE ascent.jobs SET state = 'completed', started_at = now(), finished_at = now() WHERE id = "
                    "(SELECT id FROM ascent.jobs WHERE state = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
                ).rowcount
        return fetched

    async with a_desk(migrated, batch=50) as desk:
        done = False
        workers = [asyncio.create_task(asyncio.to_thread(fetch, migrated, lambda: done)) for _ in range(3)]
        entry = await ended(desk, await desk.act(order(Action.CANCEL_PENDING)))
        done = True
        fetched = sum(await asyncio.gather(*workers))

    assert entry.state == audit.DONE
    assert entry.changed + fetched == 3000
    assert fetched > 0


async def test_the_log_is_read_by_pages_newest_first(desk: Desk, queue: AsyncConnection) -> None:
    for number in range(5):
        await desk.act(order(Action.RUN, f"r{number}", job_type="mail"))

    newest = await desk.entries("main", limit=2)
    older = await desk.entries("main", limit=2, before_id=newest[-1].id)

    assert [entry.request_id for entry in (*newest, *older)] == ["r4", "r3", "r2", "r1"]
    assert await desk.entries("main", action=Action.JANITOR) == []
    assert await desk.entries("main", actor="somebody else") == []
