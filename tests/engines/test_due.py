"""Since when a job is due: its making or the time it is planned for, the later of both, in every engine."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.config import Source
from tests.engines.conftest import KINDS
from tests.engines.drivers import NOBODY, Driver
from tests.exporter.scrape import Watch

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_TIMES = {
    "ascent": ("ascent.jobs", "created_at", "run_after"),
    "pgboss": ("pgboss.job", "created_on", "start_after"),
    "river": ("river_job", "created_at", "scheduled_at"),
    "oban": ("oban_jobs", "inserted_at", "scheduled_at"),
    "pgqueuer": ("pgqueuer", "created", "execute_after"),
    "graphile": ("graphile_worker._private_jobs", "created_at", "run_at"),
}
"""Where it stands when a job was made, and for when it is planned. procrastinate has the first in a second table, where
three jobs of a type are looked up: there a job dated back can hide another."""


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.engine in _TIMES], indirect=True)
async def test_a_job_dated_back_hides_none_that_has_waited_longer(
    driver: Driver, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    table, made_at, due_at = _TIMES[driver.engine]
    command = f"UPDATE {table} SET {made_at} = %(made)s, {due_at} = %(due)s WHERE id::text = %(id)s"
    await admin.execute("SET TIME ZONE 'UTC'")  # Oban's columns have none
    now = datetime.now(UTC)
    two_hours = now - timedelta(hours=2)
    for made, due in ((now, LONG_AGO), (two_hours, two_hours), (now, LONG_AGO), (now, now)):
        values = {"id": await driver.enqueue(NOBODY), "made": made, "due": due}
        assert (await admin.execute(command.encode(), values)).rowcount == 1

    page = await watch(queue).poll()

    assert page.value(metrics.OLDEST_READY, job_type=NOBODY) == two_hours.timestamp()
