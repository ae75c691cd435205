"""An engine that deletes what is done, before and after its completions are recorded."""

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.config import Source
from jobqueue.states import JobState
from jobqueue.tables.recording import record_completions
from tests.engines.drivers import MAIL, Driver
from tests.engines.test_conformance import Watch, until_said


@pytest.fixture(params=["graphile-unrecorded"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_the_day_begins_with_the_records_and_not_with_the_failures_before_them(
    driver: Driver, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    exporter = watch(queue)
    await exporter.poll()
    async with driver.working():
        for _ in range(3):
            await driver.enqueue(MAIL, failures=1)
        await until_said(driver, MAIL, JobState.FAILED, 3)
        before = await exporter.poll(rounds=2)
        record_completions([queue], lambda line: None)
        await exporter.poll(rounds=2)
        await driver.enqueue(MAIL)
        await until_said(driver, MAIL, JobState.COMPLETED)
        here = await exporter.poll(rounds=2)
        restarted = await watch(queue).poll(rounds=2)

    assert before.select(metrics.DAY_RUNS) == []
    assert before.value(metrics.JOBS, job_type=MAIL, state="failed") == 3
    assert here.value(metrics.JOBS, job_type=MAIL, state="failed") == 3
    for page in (here, restarted):
        assert page.value(metrics.DAY_RUNS, job_type=MAIL) == 1
        assert page.value(metrics.DAY_SUCCESS_RATIO, job_type=MAIL) == 1
    cursor = await admin.execute("SELECT sum(runs), sum(failures) FROM system_status.run_minutes")
    assert await cursor.fetchall() == [(1, 0)]
