"""The platform's real processes, sped up where that is what takes the time."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.database import prepare
from demo.platform import janitor
from demo.platform.connection import Conn, connect
from demo.postgres import EmbeddedPostgres
from demo.processes import Child
from tests.demo.jobs import add, job, rows, scalar
from tests.demo.processes import runs, until_gone
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "jobqueue/engines/ascent/schema.sql"

Start = Callable[..., Child]


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Start]:
    """Runs a module on the test's database, or another."""
    children = []

    def run(*arguments: str, on: str = database) -> Child:
        environment = {**os.environ, "DATABASE_URL": on, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", *arguments]
        children.append(Child.start("demo", command, log=tmp_path / "log", environment=environment))
        return children[-1]

    yield run
    for child in children:
        child.stop()


def a_worker(speed: str) -> list[str]:
    return ["demo.platform.process", "worker-1", "worker-1.ascent.internal", "worker", "4.12.0", speed]


def a_platform(speed: str) -> list[str]:
    return ["demo", "platform", "--no-history", "--workers", "2", "--speed", speed]


async def until(conn: Conn, condition: str) -> None:
    """Waits until a condition, in SQL, holds."""
    async with asyncio.timeout(PATIENCE):
        while not await scalar(conn, f"SELECT {condition}"):
            await asyncio.sleep(0.05)


def some(what: str) -> str:
    return f"EXISTS (SELECT FROM ascent.{what})"


async def pids(conn: Conn) -> list[int]:
    return [row["pid"] for row in await rows(conn, "SELECT pid FROM ascent.workers")]


async def test_jobs_are_enqueued_run_retried_failed_and_dropped_and_everybody_says_goodbye(
    queue: Conn, database: str, start: Start
) -> None:
    await prepare(database, past=False)
    await queue.execute("UPDATE ascent.schedules SET last_enqueued_at = now() - interval '8 days'")
    expired = await add(queue, expires_at="now() - interval '1 second'")
    for _ in range(40):  # a third of them fail, each time
        await add(queue, "webhooks.deliver", max_retries="0")
        await add(queue, "webhooks.deliver", max_retries="5")

    platform = start(*a_platform(speed="40"))

    await until(queue, some("jobs WHERE state = 'completed' AND origin = 'schedule'"))
    await until(queue, some("jobs WHERE state = 'completed' AND job_type = 'calendars.sync_organization'"))
    await until(queue, some("jobs WHERE state = 'completed' AND retries > 0"))
    await until(queue, some("jobs WHERE state = 'failed' AND retries = max_retries AND last_error IS NOT NULL"))
    await until(queue, some("jobs WHERE state = 'completed' AND job_type = 'files.thumbnail'"))
    workers = await rows(queue, "SELECT mode, version FROM ascent.workers")
    assert {row["mode"] for row in workers} == {"all", "server", "worker"}
    assert len({row["version"] for row in workers}) == 2
    assert (await job(queue, expired))["state"] == "cancelled"
    running = [pid for pid in await pids(queue) if runs(pid)]

    os.kill(platform.pid, signal.SIGINT)

    await until_gone([platform.pid, *running])
    assert platform.exit_code == 0
    assert not set(running) & set(await pids(queue))


async def test_a_worker_is_lost_now_and_then_and_a_new_one_takes_its_place(queue: Conn, start: Start) -> None:
    start(*a_platform(speed="200"))

    await until(queue, some("workers GROUP BY hostname HAVING count(*) = 2"))

    [lost] = await rows(
        queue,
        "SELECT DISTINCT ON (hostname) pid FROM ascent.workers"
        " WHERE hostname IN (SELECT hostname FROM ascent.workers GROUP BY hostname HAVING count(*) > 1)"
        " ORDER BY hostname, started_at",
    )
    assert not runs(lost["pid"])


async def test_a_killed_worker_leaves_its_job_active_until_the_janitor_comes(queue: Conn, start: Start) -> None:
    number = await add(queue, "storage.sweep_orphans")
    worker = start(*a_worker(speed="1"))
    await until(queue, some("jobs WHERE state = 'active'"))

    worker.kill()
    await janitor.run(queue)

    assert (await job(queue, number))["state"] == "active"
    await queue.execute("UPDATE ascent.jobs SET started_at = started_at - interval '15 minutes'")
    await janitor.run(queue)
    assert (await job(queue, number))["state"] == "failed"


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_asked_to_end_gives_its_job_back_within_two_seconds(
    queue: Conn, start: Start, by: signal.Signals
) -> None:
    number = await add(queue, "storage.sweep_orphans")
    worker = start(*a_worker(speed="1"))
    await until(queue, some("jobs WHERE state = 'active'"))
    asked_at = time.monotonic()

    os.kill(worker.pid, by)
    await until_gone([worker.pid])

    assert time.monotonic() - asked_at < 2
    assert worker.exit_code == 0
    assert (await job(queue, number))["state"] == "pending"
    assert await pids(queue) == []


async def test_no_process_outlives_a_killed_platform(queue: Conn, start: Start) -> None:
    platform = start(*a_platform(speed="1"))
    await until(queue, "count(*) = 4 FROM ascent.workers")
    everybody = [platform.pid, *await pids(queue)]

    platform.kill()

    await until_gone(everybody)


async def test_a_worker_lives_through_a_restart_and_a_crash_of_the_database(start: Start) -> None:
    with EmbeddedPostgres.start() as server:
        address = server.url("postgres")
        async with await connect(address) as conn:
            await conn.execute(SCHEMA.read_bytes())
        start(*a_worker(speed="10"), on=address)
        for interruption in (server.stop, server.crash):
            async with await connect(address) as conn:
                await add(conn, "search.reindex")
                await until(conn, some("jobs WHERE state = 'active'"))

            interruption()
            server.start_again()

            async with await connect(address) as conn:
                await until(conn, "count(*) = 0 FROM ascent.jobs WHERE state <> 'completed'")
        async with await connect(address) as conn:
            await until(conn, some("workers WHERE id = 'worker-1' AND processed = 2"))
