"""What holds for every engine, shown with its real package and workers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from statistics import median
from time import monotonic

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.config import Source
from jobqueue.engine import Capability, Cleanup, Engine, Span
from jobqueue.engines import open_engine
from jobqueue.engines.control import SqlControl
from jobqueue.states import JobState
from tests.engines.drivers import MAIL, NOBODY, REPORT, Driver
from tests.exporter.scrape import Exporter, Scrape
from tests.waiting import until_found

Watch = Callable[..., Exporter]

FOR_LONG = 60.0
NOTICED_WITHIN = 1.0


@pytest.fixture
def engine(driver: Driver) -> Engine:
    return open_engine(driver.engine, None)


def shown(page: Scrape, **labels: str) -> Counter[tuple[str, JobState]]:
    """The jobs on a page, zeros left out."""
    return Counter(
        {
            (found["job_type"], JobState(found["state"])): int(jobs)
            for found, jobs in page.select(metrics.JOBS, **labels)
            if jobs
        }
    )


def said(page: Scrape, driver: Driver, **labels: str) -> Counter[tuple[str, str]]:
    """The jobs on a page in the engine's own words."""
    found: Counter[tuple[str, str]] = Counter()
    for (job_type, state), jobs in shown(page, **labels).items():
        found[job_type, driver.words[state]] += jobs
    return found


def held(counts: Counter[tuple[str, str]], driver: Driver, engine: Engine) -> Counter[tuple[str, str]]:
    """What an engine says, without jobs that end by being deleted."""
    kept = {driver.words[state] for state in engine.states}
    return Counter({(job_type, word): jobs for (job_type, word), jobs in counts.items() if word in kept})


async def until_said(driver: Driver, job_type: str, state: JobState, jobs: int = 1) -> None:
    """Wait until the engine says that at least so many jobs stand in a state: some may come between two looks."""

    async def look() -> bool:
        return (await driver.counts())[job_type, driver.words[state]] >= jobs

    await until_found(look)


async def active_job(driver: Driver, seconds: float = FOR_LONG) -> str:
    job_id = await driver.enqueue(MAIL, seconds=seconds)
    await until_said(driver, MAIL, JobState.ACTIVE)
    return job_id


async def test_each_state_is_counted_and_due_is_told_from_not_due(
    driver: Driver, engine: Engine, queue: Source, watch: Watch
) -> None:
    exporter = watch(queue)
    await exporter.poll()
    cancelled = await driver.enqueue(NOBODY)
    await driver.cancel(cancelled, NOBODY)
    await driver.enqueue(NOBODY)
    await driver.enqueue(NOBODY, delay=3600)
    await driver.enqueue(MAIL)
    await driver.enqueue(MAIL, failures=1)
    await driver.enqueue(MAIL, failures=9, retries=1, pause=FOR_LONG)
    await driver.enqueue(MAIL, seconds=FOR_LONG)
    expected = {
        (job_type, state): 1
        for job_type, state in (
            (NOBODY, JobState.PENDING),
            (NOBODY, JobState.SCHEDULED),
            (NOBODY, JobState.CANCELLED),
            (MAIL, JobState.COMPLETED),
            (MAIL, JobState.FAILED),
            (MAIL, JobState.RETRY),
            (MAIL, JobState.ACTIVE),
        )
        if state in engine.states
    }
    async with driver.working():
        await until_found(lambda: _holds(exporter, expected))
        page = await exporter.poll()

        assert shown(page) == expected
        assert said(page, driver) == held(await driver.counts(), driver, engine)
        for metric, job_type in ((metrics.OLDEST_READY, NOBODY), (metrics.OLDEST_ACTIVE, MAIL)):
            [(labels, since)] = page.select(metric)
            assert labels["job_type"] == job_type
            assert 0 <= page.value(metrics.COLLECTOR_LAST_SUCCESS, collector="ready") - since < 30  # type: ignore[operator]


async def _holds(exporter: Exporter, expected: Mapping[tuple[str, JobState], int]) -> bool:
    return shown(await exporter.poll()) == expected


async def test_while_real_workers_run_the_counts_are_the_engines_own(
    driver: Driver, engine: Engine, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    lacking = await engine.reader.lacking(admin)
    dice, retried = Random(1), 0
    exporter = watch(queue)
    await exporter.poll()
    async with driver.working(), exporter.running():
        for _ in range(60):
            failures = dice.choice([0, 0, 0, 1, 9])
            retried += failures > 0
            await driver.enqueue(MAIL, seconds=dice.random() / 5, failures=failures, retries=1 if failures else 0)
            await driver.enqueue(MAIL, seconds=dice.random() / 5)
            await driver.enqueue(REPORT, seconds=dice.random() / 5, failures=dice.choice([0, 0, 9]))
            await asyncio.sleep(dice.random() / 10)
        await until_found(lambda: rests(driver))
        # On a busy machine a collector asks more rarely than anybody wants to wait here: each is asked once more.
        page, counts = await exporter.poll(), await driver.counts()
    assert said(page, driver) == held(counts, driver, engine)
    if Capability.COMPLETIONS in lacking:
        assert page.select(metrics.RUNS) == []
        return

    assert sum(page.by("job_type", metrics.RUNS).values()) == 180
    completed, failed = driver.words[JobState.COMPLETED], driver.words[JobState.FAILED]
    for job_type in (MAIL, REPORT):
        runs, failures = counts[job_type, completed] + counts[job_type, failed], counts[job_type, failed]
        for metric, expected in (
            (metrics.RUNS, runs),
            (metrics.RUN_FAILURES, failures),
            (metrics.RUN_DURATION.name + "_count", runs),
            (metrics.RUN_WAIT.name + "_count", None if Capability.WAITS in lacking else runs),
            (metrics.DAY_RUNS, runs),
            (metrics.DAY_FAILURES, failures),
            (metrics.CANCELLED, 0),
        ):
            assert page.value(metric, job_type=job_type) == expected, (metric, job_type)
        assert failures > 0
        assert 0.1 < page.value(metrics.DAY_MAX, job_type=job_type) < 5  # type: ignore[operator]
    assert page.value(metrics.RUN_RETRIES, job_type=REPORT) == 0
    assert page.value(metrics.RUN_RETRIES, job_type=MAIL) == retried


async def rests(driver: Driver) -> bool:
    ends = {driver.words[JobState.COMPLETED], driver.words[JobState.FAILED]}
    return all(word in ends for _, word in await driver.counts())


async def test_a_late_commit_is_counted_once_and_so_is_it_after_a_restart(
    driver: Driver, engine: Engine, admin: AsyncConnection, queue: Source, watch: Watch, address: str
) -> None:
    exporter = watch(queue)
    await exporter.poll()
    if Capability.COMPLETIONS in await engine.reader.lacking(admin):
        assert (await exporter.poll()).select(metrics.RUNS) == []
        return
    async with driver.working():
        job_id = await active_job(driver)
        async with await AsyncConnection.connect(address) as late:
            await driver.finish(late, job_id)
            before = await exporter.poll(rounds=2)
            await late.commit()
        page = await exporter.poll(rounds=3)
        restarted = await watch(queue).poll(rounds=2)

    assert before.value(metrics.RUNS, job_type=MAIL) == 0
    assert page.value(metrics.RUNS, job_type=MAIL) == 1
    assert page.value(metrics.DAY_RUNS, job_type=MAIL) == 1
    assert restarted.value(metrics.DAY_RUNS, job_type=MAIL) == 1
    assert restarted.value(metrics.RUNS, job_type=MAIL) == 0


async def test_durations_and_waits_are_those_of_the_run(
    driver: Driver, engine: Engine, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    lacking = await engine.reader.lacking(admin)
    exporter = watch(queue)
    await exporter.poll()
    queued = monotonic()
    await driver.enqueue(MAIL, seconds=0.5)
    await asyncio.sleep(1.0)
    at_work = monotonic()
    async with driver.working():
        await until_said(driver, MAIL, JobState.COMPLETED)
    done = monotonic()
    page = await exporter.poll()

    if Capability.COMPLETIONS in lacking:
        assert page.select(metrics.RUN_DURATION.name + "_sum") == []
        return
    duration = page.value(metrics.RUN_DURATION.name + "_sum", job_type=MAIL)
    assert 0.5 <= duration < done - at_work  # type: ignore[operator]
    if Capability.WAITS in lacking:
        assert page.select(metrics.RUN_WAIT.name + "_sum") == []
        return
    assert 1.0 <= page.value(metrics.RUN_WAIT.name + "_sum", job_type=MAIL) < done - queued - 0.5  # type: ignore[operator]


async def test_a_worker_is_shown_while_it_is_there(
    driver: Driver, engine: Engine, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    exporter = watch(queue)
    if Capability.HEARTBEATS in await engine.reader.lacking(admin):
        async with driver.working():
            await active_job(driver)
            page = await exporter.poll()
        assert page.value(metrics.SOURCE_CAPABILITY, capability=Capability.HEARTBEATS) == 0
        assert page.select(metrics.WORKER_INFO) == []
        return
    async with driver.working():
        await until_found(lambda: _workers(exporter))
        page = await exporter.poll()

    assert page.value(metrics.SOURCE_CAPABILITY, capability=Capability.HEARTBEATS) == 1
    assert set(page.by("worker", metrics.WORKER_ONLINE).values()) == {1.0}


async def _workers(exporter: Exporter) -> bool:
    return bool((await exporter.poll()).select(metrics.WORKER_ONLINE))


async def test_a_recurring_job_is_shown_with_its_newest_tick(
    driver: Driver, engine: Engine, queue: Source, watch: Watch
) -> None:
    if Capability.TICKS in engine.lacks:
        assert (await watch(queue).poll()).select(metrics.SCHEDULE_LAST_ENQUEUED) == []
        return
    await driver.schedule()
    exporter = watch(queue)
    async with driver.working():
        await until_found(lambda: _tick(exporter))
        page = await exporter.poll()

    [(labels, _)] = page.select(metrics.SCHEDULE_INFO)
    assert (labels["job_type"], labels["cron"], labels["schedule"]) == (REPORT, "* * * * *", "Every minute")
    last = page.value(metrics.SCHEDULE_LAST_ENQUEUED, job_type=REPORT)
    following = page.value(metrics.SCHEDULE_NEXT, job_type=REPORT)
    assert last is not None
    assert following is not None
    assert following - 130 < last < following
    assert page.value(metrics.SCHEDULE_MISSED, job_type=REPORT) == 0


async def _tick(exporter: Exporter) -> bool:
    return bool((await exporter.poll()).select(metrics.SCHEDULE_LAST_ENQUEUED))


async def test_run_now_is_noticed_by_a_worker_within_a_second(
    driver: Driver, engine: Engine, admin: AsyncConnection
) -> None:
    if Capability.RUN_NOW in engine.lacks:
        assert isinstance(engine.control, SqlControl)
        assert "run_now" not in engine.control.queries
        return
    await driver.schedule()
    async with driver.working():
        await until_found(lambda: _completed(driver, REPORT, 1))
        took = [await _run_now(driver, engine, admin) for _ in range(3)]

    assert median(took) < NOTICED_WITHIN, took  # not the worst: the machine has pauses of its own
    assert await engine.control.run_now(admin, "on demand") is None


async def _run_now(driver: Driver, engine: Engine, admin: AsyncConnection) -> float:
    """Seconds from the order until its job is done."""
    done = (await driver.counts())[REPORT, driver.words[JobState.COMPLETED]]
    async with admin.transaction():
        assert await engine.control.run_now(admin, REPORT)
    began = monotonic()
    await until_found(lambda: _completed(driver, REPORT, done + 1))
    return monotonic() - began


async def _completed(driver: Driver, job_type: str, jobs: int) -> bool:
    return (await driver.counts())[job_type, driver.words[JobState.COMPLETED]] >= jobs


async def clean(admin: AsyncConnection, engine: Engine, cleanup: Cleanup, age: float = 0) -> int:
    """Do what the control API does, in a transaction of its own; what was shown is what is touched."""
    async with admin.transaction():
        row = await (await admin.execute("SELECT now() - %s * interval '1 second'", (age,))).fetchone()
        assert row
        concerned = await engine.control.concerned(admin, cleanup, row[0], 1000)
        changed = await engine.control.clean(admin, cleanup, row[0], 1000, "an admin said so")
    assert sum(each.rows for each in concerned) == changed
    return changed


async def test_a_failed_active_job_stays_failed_when_its_worker_comes_to_its_end(
    driver: Driver, engine: Engine, admin: AsyncConnection
) -> None:
    if Capability.FAIL_ACTIVE in engine.lacks:
        assert Cleanup.ACTIVE not in engine.control.cleanups
        return
    async with driver.working():
        await active_job(driver, seconds=1.5)

        assert await clean(admin, engine, Cleanup.ACTIVE, age=900) == 0
        assert await clean(admin, engine, Cleanup.ACTIVE) == 1
        await driver.enqueue(MAIL, seconds=2.0)
        await until_said(driver, MAIL, JobState.COMPLETED)  # by then the first has come to its end, too

    assert await driver.counts() == {
        (MAIL, driver.words[driver.fails_into]): 1,
        (MAIL, driver.words[JobState.COMPLETED]): 1,
    }


async def test_a_failed_active_job_stays_failed_also_when_its_worker_fails_it_and_would_try_again(
    driver: Driver, engine: Engine, admin: AsyncConnection
) -> None:
    if Capability.FAIL_ACTIVE in engine.lacks:
        assert Cleanup.ACTIVE not in engine.control.cleanups
        return
    async with driver.working():
        await driver.enqueue(MAIL, seconds=1.5, failures=1, retries=2)
        await until_said(driver, MAIL, JobState.ACTIVE)

        assert await clean(admin, engine, Cleanup.ACTIVE) == 1
        await driver.enqueue(MAIL, seconds=2.5)
        await until_said(driver, MAIL, JobState.COMPLETED)  # by then the first has come to its end, too

    assert await driver.counts() == {
        (MAIL, driver.words[driver.fails_into]): 1,
        (MAIL, driver.words[JobState.COMPLETED]): 1,
    }


async def test_cancelled_pending_jobs_never_run_and_those_due_later_stay(
    driver: Driver, engine: Engine, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    exporter = watch(queue)
    await exporter.poll()
    for _ in range(3):
        await driver.enqueue(MAIL)
    await driver.enqueue(MAIL, delay=3600)

    assert await clean(admin, engine, Cleanup.PENDING, age=3600) == 0
    assert await clean(admin, engine, Cleanup.PENDING) == 3

    async with driver.working():
        await driver.enqueue(REPORT)
        await until_said(driver, REPORT, JobState.COMPLETED)
    page = await exporter.poll()
    assert shown(page) == {
        (job_type, state): jobs
        for job_type, state, jobs in (
            (MAIL, JobState.CANCELLED, 3),
            (MAIL, JobState.SCHEDULED, 1),
            (REPORT, JobState.COMPLETED, 1),
        )
        if state in engine.states
    }
    if Capability.COMPLETIONS in await engine.reader.lacking(admin):
        assert page.select(metrics.CANCELLED) == []
        return
    assert page.value(metrics.CANCELLED, job_type=MAIL) == 3
    assert page.value(metrics.RUNS, job_type=MAIL) == 0


async def test_the_janitor_deletes_what_is_old_and_the_figures_of_the_day_stay(
    driver: Driver, engine: Engine, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    exporter = watch(queue)
    await exporter.poll()
    await driver.enqueue(MAIL)
    await driver.enqueue(MAIL, failures=1)
    async with driver.working():
        await until_said(driver, MAIL, JobState.COMPLETED)
        await until_said(driver, MAIL, JobState.FAILED)
    await exporter.poll()

    for cleanup in {Cleanup.COMPLETED, Cleanup.FAILED} & set(engine.control.cleanups):
        assert await clean(admin, engine, cleanup, age=3600) == 0
        assert await clean(admin, engine, cleanup) == 1

    assert held(await driver.counts(), driver, engine) == {}
    page = await exporter.poll()
    assert shown(page) == {}
    if Capability.COMPLETIONS in await engine.reader.lacking(admin):
        assert page.select(metrics.DAY_RUNS) == []
        return
    assert page.value(metrics.DAY_RUNS, job_type=MAIL) == 2


async def test_the_newest_jobs_stand_in_the_view(driver: Driver, admin: AsyncConnection) -> None:
    await driver.enqueue(NOBODY, delay=3600)
    await driver.enqueue(MAIL, failures=1)
    async with driver.working():
        await until_said(driver, MAIL, JobState.FAILED)

    cursor = await admin.execute(
        "SELECT source, job_type, state, created_at IS NOT NULL, started_at IS NOT NULL, finished_at IS NOT NULL,"
        " retries FROM system_status.recent_jobs ORDER BY created_at DESC"
    )
    start_is_known = driver.engine != "graphile"
    assert await cursor.fetchall() == [
        ("main", MAIL, "failed", True, start_is_known, True, 0),
        ("main", NOBODY, "scheduled", True, False, False, 0),
    ]


async def test_nothing_that_the_exporter_asks_takes_more_than_a_readers_lock(
    driver: Driver, engine: Engine, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    """A worker waits for no reader: AccessShare conflicts with nothing that a queue's own work takes."""
    await driver.enqueue(MAIL)
    now = await (await admin.execute("SELECT now() - interval '1 day', now() + interval '1 day'")).fetchone()
    assert now
    span = Span(now[0], now[1], 15)
    reader = engine.reader
    async with admin.transaction():
        await admin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for ask in (
            reader.lacking,
            reader.engine_version,
            reader.live_counts,
            reader.oldest_ready,
            reader.oldest_active,
            reader.first_completed,
            reader.frontiers,
            reader.workers,
            reader.schedules,
            reader.ticks,
        ):
            await ask(admin)
        for ask_of in (reader.slot_counts, reader.new_runs, reader.finished_counts):
            await ask_of(admin, span)
        cursor = await admin.execute(
            "SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"
        )
        assert await cursor.fetchall() == [("AccessShareLock",)]

    await watch(queue).poll()
    cursor = await admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        " AND application_name LIKE 'system-status%'"
    )
    assert await cursor.fetchone() == (0,)
