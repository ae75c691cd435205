"""A schedule whose name is no job type is shown, and no count is made up for it."""

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.config import Source
from tests.engines.test_conformance import Watch

MAKE = {
    "pgboss": ("mail/night", "INSERT INTO pgboss.schedule (name, key, cron) VALUES ('mail', 'night', '0 3 * * *')"),
    "pgqueuer": (
        "tidy",
        "INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run) VALUES ('0 3 * * *', 'tidy', now())",
    ),
}


@pytest.fixture(params=MAKE)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_a_schedule_that_is_no_job_type_has_its_texts_and_no_zeros(
    kind: str, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    name, make = MAKE[kind]
    await admin.execute(make.encode())

    page = await watch(queue).poll()

    assert page.value(metrics.SCHEDULE_ENABLED, job_type=name) == 1
    assert page.value(metrics.SCHEDULE_NEXT, job_type=name)
    for metric in (metrics.JOBS, metrics.RUNS, metrics.DAY_RUNS):
        assert page.select(metric, job_type=name) == []
