"""pg-boss: what it alone knows of its queues."""

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.config import Source
from tests.exporter.scrape import Watch


@pytest.mark.parametrize("kind", ["pgboss"], indirect=True)
async def test_a_queue_without_jobs_has_zeros(admin: AsyncConnection, queue: Source, watch: Watch) -> None:
    await admin.execute("SELECT pgboss.create_queue('idle', '{\"policy\": \"standard\"}')")

    page = await watch(queue).poll()

    assert page.by("state", metrics.JOBS, job_type="idle")["pending"] == 0
