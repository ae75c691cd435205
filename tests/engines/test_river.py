"""River: what it alone does to its jobs."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.engine import CannotRun
from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.engines.test_conformance import Watch, shown
from tests.exporter.scrape import Scrape, source

FINISHED = (
    "INSERT INTO river_job (kind, args, state, attempt, metadata, created_at, scheduled_at, finalized_at)"
    " SELECT 'mail', 'null', %s, %s, %s, now() - interval '9 h', now() - interval '9 h', now() - %s::interval"
)
DUPLICATE = ("discarded", 0, '{"unique_key_conflict": "scheduler_discarded"}')


@pytest.fixture
def address(server: Server, template_of: Callable[[str], str]) -> Iterator[str]:
    name = server.create_database(template_of("river"))
    yield server.url(name)
    server.drop_database(name)


UNIQUE = """
INSERT INTO river_job (kind, args, state, attempt, metadata, unique_key, unique_states, finalized_at)
SELECT 'report', '{}', %(state)s::river_job_state, 1, '{"periodic": true}', 'k', B'11110101',
       CASE WHEN %(state)s = 'completed' THEN now() END
"""
"""Of every state but cancelled and discarded, which is River's default."""


async def test_run_now_is_refused_while_a_unique_job_waits_or_runs_and_not_by_one_of_the_past(address: str) -> None:
    control = open_engine("river", None).control
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        await conn.execute(UNIQUE, {"state": "running"})
        with pytest.raises(CannotRun, match="unique key"):
            await control.run_now(conn, "report")
        await conn.execute("UPDATE river_job SET state = 'completed', finalized_at = now()")

        queued = await control.run_now(conn, "report")

        with pytest.raises(CannotRun, match="unique key"):  # that one waits
            await control.run_now(conn, "report")
        await conn.execute("UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = %s", [queued])
        assert await control.run_now(conn, "report") not in (None, queued)


def jobs(page: Scrape) -> dict[str, int]:
    return {state: number for (_, state), number in shown(page).items()}


async def test_a_scheduled_job_that_was_a_duplicate_is_cancelled_everywhere_and_no_failed_run(
    address: str, watch: Watch
) -> None:
    with psycopg.connect(address, autocommit=True) as conn:
        for job in (
            ("completed", 1, "{}", "6 h"),
            (*DUPLICATE, "5 h"),
            ("cancelled", 0, "{}", "4 h"),
            ("discarded", 1, "{}", "3 h"),
            ("discarded", 1, DUPLICATE[2], "2 h"),  # tried, failed, and then dropped: a failed run
        ):
            conn.execute(FINISHED, job)
        exporter = watch(source(address, engine="river"))
        before = await exporter.poll(rounds=2)
        conn.execute(FINISHED, (*DUPLICATE, "0 s"))

        page = await exporter.poll(rounds=2)

        states = conn.execute("SELECT state, count(*) FROM system_status.recent_jobs GROUP BY 1 ORDER BY 1")
        assert states.fetchall() == [("cancelled", 3), ("completed", 1), ("failed", 2)]
    assert jobs(before) == {"completed": 1, "failed": 2, "cancelled": 2}
    assert jobs(page) == {"completed": 1, "failed": 2, "cancelled": 3}
    assert page.value(metrics.DAY_FAILURES, job_type="mail") == 2
    assert page.value(metrics.RUN_DURATION.name + "_count", job_type="mail") == 0
    assert page.value(metrics.CANCELLED, job_type="mail") == 1


async def test_what_waits_in_a_paused_queue_has_no_age_and_is_counted(address: str, watch: Watch) -> None:
    exporter = watch(source(address, engine="river"))
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        await conn.execute(
            "INSERT INTO river_job (kind, args, queue, created_at, scheduled_at)"
            " SELECT 'mail', '{}', queue, now() - hours * interval '1 h', now() - hours * interval '1 h'"
            " FROM (VALUES ('default', 1), ('paused', 2)) AS job (queue, hours)"
        )
        one, two = [
            row[0] for row in await (await conn.execute("SELECT scheduled_at FROM river_job ORDER BY id")).fetchall()
        ]
        await conn.execute("INSERT INTO river_queue (name, paused_at, updated_at) VALUES ('paused', now(), now())")
        paused = await exporter.poll()
        await conn.execute("UPDATE river_queue SET paused_at = NULL")
        resumed = await exporter.poll()

    assert paused.value(metrics.OLDEST_READY, job_type="mail") == one.timestamp()
    assert paused.value(metrics.JOBS, job_type="mail", state="pending") == 2
    assert resumed.value(metrics.OLDEST_READY, job_type="mail") == two.timestamp()
