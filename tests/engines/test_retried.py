"""A job that has ended may be tried again: each end is a run, and the job stands once, in the state that it has."""

import asyncio
import math
from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.config import Source
from jobqueue.engine import Engine
from jobqueue.engines import open_engine
from jobqueue.sql import load
from jobqueue.states import JobState
from tests.engines.drivers import MAIL, Driver
from tests.engines.test_conformance import Watch, held, said
from tests.exporter.scrape import Exporter, Scrape
from tests.waiting import PATIENCE

JOBS = 5
RETRY = load("tests.engines", "retry.sql")
ENDED = {
    "river": """INSERT INTO river_job (kind, args, state, attempt, max_attempts, attempted_at, finalized_at)
                SELECT 'mail', '{}', 'completed', 1, 1, ended - interval '1 s', ended
                  FROM (SELECT now() - %s) AS job (ended)""",
    "oban": """INSERT INTO oban_jobs (worker, args, state, attempt, max_attempts, attempted_at, completed_at)
               SELECT 'mail', '{}', 'completed', 1, 1, ended - interval '1 s', ended
                 FROM (SELECT timezone('UTC', now()) - %s) AS job (ended)""",
}
"""What a worker writes whose clock is so far behind: these engines stamp an end by the worker's clock."""


@pytest.fixture
def engine(driver: Driver) -> Engine:
    return open_engine(driver.engine, None)


async def until_counted(exporter: Exporter, runs: int) -> Scrape:
    async with asyncio.timeout(PATIENCE):
        while True:
            page = await exporter.poll()
            if (page.value(metrics.DAY_RUNS, job_type=MAIL) or 0) >= runs:
                return page


async def test_each_end_of_a_retried_job_is_a_run_and_the_job_stands_once(
    driver: Driver, engine: Engine, queue: Source, admin: AsyncConnection, watch: Watch
) -> None:
    if driver.engine not in RETRY:
        assert driver.engine == "pgqueuer"  # it deletes a job that has failed: there is none to be tried again
        return
    exporter = watch(queue)
    await exporter.poll()
    async with driver.working():
        for _ in range(JOBS):
            await driver.enqueue(MAIL, failures=1)
        await until_counted(exporter, JOBS)
        await admin.execute(RETRY[driver.engine])
        page = await until_counted(exporter, 2 * JOBS)
    counts = await driver.counts()
    page = await exporter.poll()

    failed = counts[MAIL, driver.words[JobState.FAILED]]
    assert page.value(metrics.DAY_RUNS, job_type=MAIL) == 2 * JOBS
    assert page.value(metrics.DAY_FAILURES, job_type=MAIL) == JOBS + failed
    assert page.value(metrics.RUNS.name, job_type=MAIL) == 2 * JOBS
    assert said(page, driver) == held(counts, driver, engine)


@pytest.mark.parametrize("kind", ENDED, indirect=True)
async def test_runs_of_a_worker_whose_clock_is_behind_are_found_counted_and_said(
    kind: str, queue: Source, admin: AsyncConnection, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.counting.late._EVERY_SECONDS", 0.0)
    monkeypatch.setattr("exporter.counting.late._SHARE", math.inf)
    await admin.execute(ENDED[kind], [timedelta(hours=1)])  # history begins there
    exporter = watch(queue)
    page = await exporter.poll()
    assert page.value(metrics.RUNS_LATE.name) == 0

    for _ in range(JOBS):
        await admin.execute(ENDED[kind], [timedelta(minutes=5)])
    page = await exporter.poll()

    assert page.value(metrics.DAY_RUNS, job_type=MAIL) == 1 + JOBS
    assert page.value(metrics.RUNS.name, job_type=MAIL) == JOBS
    assert page.value(metrics.RUNS_LATE.name) == JOBS
    assert (await exporter.poll()).value(metrics.RUNS_LATE.name) == JOBS
