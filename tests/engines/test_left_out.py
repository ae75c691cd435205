"""A tick that an engine leaves out on purpose, while a job forbids a second one, is not missed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued
from psycopg import AsyncConnection

from demo.engines.pgboss.boss import boss
from demo.engines.procrastinate.app import app
from jobqueue import catalogue as metrics
from jobqueue.config import ConfiguredSchedule
from tests.conftest import Server
from tests.engines.drivers import EVERY_MINUTE, REPORT
from tests.exporter.scrape import Watch, source

SCHEDULES = (ConfiguredSchedule(REPORT, EVERY_MINUTE),)
TEN_MINUTES = 600
SOME = 5
"""Of ten minutes' ticks those of the first eight are surely past the grace."""


@pytest.fixture
def queue_of(server: Server, template_of: Callable[[str], str]) -> Iterator[Callable[[str], str]]:
    """Makes a fresh queue of an engine."""
    made = []

    def make(kind: str) -> str:
        made.append(server.create_database(template_of(kind)))
        return server.url(made[-1])

    yield make
    for name in made:
        server.drop_database(name)


async def missed(watch: Watch, address: str, engine: str) -> float:
    """What an exporter says that has just begun: it remembers nothing."""
    schedules = () if engine == "pgqueuer" else SCHEDULES
    page = await watch(source(address, engine=engine, schedules=schedules)).poll()
    found = page.value(metrics.SCHEDULE_MISSED, job_type=REPORT)
    assert found is not None
    return found


async def tick(made: App, lock: str | None, seconds_ago: int) -> None:
    """What procrastinate's periodic deferrer does for one tick."""
    at = int(time.time()) - seconds_ago
    job = made.tasks[REPORT].configure(queueing_lock=lock, task_kwargs={"timestamp": at}).job
    await made.job_manager.defer_periodic_job(job, periodic_id="", defer_timestamp=at)


@pytest.mark.parametrize(("lock", "left_out"), [("report", True), (None, False)])
async def test_procrastinate_misses_no_tick_while_its_queueing_lock_is_held(
    queue_of: Callable[[str], str], watch: Watch, lock: str | None, left_out: bool
) -> None:
    address = queue_of("procrastinate")
    made = app(address, (REPORT,))
    async with made.open_async():
        await tick(made, lock, TEN_MINUTES)
        if left_out:
            with pytest.raises(AlreadyEnqueued):
                await tick(made, lock, TEN_MINUTES - 60)
        while_it_waits = await missed(watch, address, "procrastinate")

        await made.run_worker_async(queues=[REPORT], wait=False, install_signal_handlers=False)
        after_its_end = await missed(watch, address, "procrastinate")

    assert (while_it_waits == 0, after_its_end == 0) == (left_out, left_out)
    assert left_out or min(while_it_waits, after_its_end) >= SOME


async def test_procrastinate_misses_no_tick_while_a_job_by_hand_holds_the_lock(
    queue_of: Callable[[str], str], watch: Watch
) -> None:
    address = queue_of("procrastinate")
    made = app(address, (REPORT,))
    async with made.open_async():
        await tick(made, "report", TEN_MINUTES)
        await made.run_worker_async(queues=[REPORT], wait=False, install_signal_handlers=False)
        await made.tasks[REPORT].configure(queueing_lock="report").defer_async()
    with changed(address) as conn:
        conn.execute("UPDATE procrastinate_events SET at = at - interval '10 minutes'")

    assert await missed(watch, address, "procrastinate") == 0


@contextmanager
def changed(address: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(address, autocommit=True) as conn:
        yield conn


async def test_pgboss_misses_no_tick_that_the_policy_of_its_queue_refuses(
    queue_of: Callable[[str], str], watch: Watch
) -> None:
    address = queue_of("pgboss")
    policies = ("short", "stately", "exclusive", "standard")
    sent = {}
    async with boss(address, {"schedule": False}) as client:
        for policy in policies:
            await client.call("createQueue", policy, {"policy": policy})
            await client.call("schedule", policy, EVERY_MINUTE)
            sent[policy] = await client.call("send", policy)
            assert (await client.call("send", policy) is None) == (policy != "standard")
        with changed(address) as conn:
            conn.execute("UPDATE pgboss.job SET created_on = now() - interval '10 minutes'")
            for policy, job in sent.items():
                conn.execute("UPDATE pgboss.schedule SET last_job_id = %s WHERE name = %s", (job, policy))
        while_they_wait = await watch(source(address, engine="pgboss")).poll()
        for policy, job in sent.items():
            await client.call("fetch", policy)
            await client.call("complete", policy, job)
        after_their_end = await watch(source(address, engine="pgboss")).poll()

    for page in (while_they_wait, after_their_end):
        found = {policy: page.value(metrics.SCHEDULE_MISSED, job_type=policy) for policy in policies}
        assert (found.pop("standard") or 0) >= SOME
        assert found == dict.fromkeys(found, 0)


PERIODIC = """
INSERT INTO river_job (kind, state, args, attempt, metadata, unique_key, unique_states, created_at)
SELECT 'report', 'running', '{}', 1, '{"periodic": true}', %(key)s::bytea,
       CASE WHEN %(key)s IS NOT NULL THEN B'11110101' END, now() - interval '10 minutes'
"""


@pytest.mark.parametrize(("key", "left_out"), [("k", True), (None, False)])
async def test_river_misses_no_tick_while_its_unique_job_runs(
    queue_of: Callable[[str], str], watch: Watch, key: str | None, left_out: bool
) -> None:
    address = queue_of("river")
    with changed(address) as conn:
        conn.execute(PERIODIC, {"key": key})
        while_it_runs = await missed(watch, address, "river")
        conn.execute("UPDATE river_job SET state = 'completed', finalized_at = now()")
        after_its_end = await missed(watch, address, "river")

    assert (while_it_runs == 0, after_its_end == 0) == (left_out, left_out)
    assert left_out or min(while_it_runs, after_its_end) >= SOME


@pytest.mark.parametrize(("heartbeat", "left_out"), [("0 seconds", True), ("1 minute", False)])
async def test_pgqueuer_misses_no_tick_while_its_handler_runs_and_every_one_once_that_is_dead(
    queue_of: Callable[[str], str], watch: Watch, heartbeat: str, left_out: bool
) -> None:
    address = queue_of("pgqueuer")
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        await conn.execute(
            "INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run, last_run, status, heartbeat)"
            " VALUES (%s, %s, now() - interval '10 minutes', now() - interval '11 minutes', 'picked',"
            " now() - %s::interval)",
            (EVERY_MINUTE, REPORT, heartbeat),
        )

    found = await missed(watch, address, "pgqueuer")

    assert (found == 0) == left_out
    assert left_out or found >= SOME
