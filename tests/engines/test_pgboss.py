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


@pytest.mark.parametrize("kind", ["pgboss"], indirect=True)
async def test_an_instance_that_died_is_offline_for_an_hour_and_then_gone(
    admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    await admin.execute(
        "INSERT INTO pgboss.instance (id, host, pid, version, node_version, heartbeat_seconds, supervise, schedule,"
        " migrate, persist_queue_stats, persist_warnings, workers, heartbeat_on)"
        " SELECT gen_random_uuid(), host, 1, '12', '22', 30, true, true, true, true, true, '[]',"
        " now() - age::interval"
        " FROM (VALUES ('lives', '1 s'), ('died', '59 min'), ('gone', '61 min')) AS instance (host, age)"
    )

    page = await watch(queue).poll()

    hosts = {labels["worker"]: labels["hostname"] for labels, _ in page.select(metrics.WORKER_INFO)}
    online = {hosts[worker]: value for worker, value in page.by("worker", metrics.WORKER_ONLINE).items()}
    assert (online["lives"], online["died"]) == (1, 0)
    assert "gone" not in online
