import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from demo.database import SomebodyElsesQueue, prepare
from demo.platform import janitor
from demo.platform.catalogue import JOB_TYPES, SCHEDULED
from demo.platform.connection import Conn, connect
from demo.platform.scheduler import Scheduler
from jobqueue.config import Source
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.demo.jobs import add, rows, scalar

RESTING = {job_type.name for job_type in SCHEDULED if not job_type.enabled}
ROOT = Path(__file__).parents[2]
LAST_DAY = "finished_at > now() - interval '24 hours'"


@pytest.fixture(scope="module")
def past_template(server: Server, template: str) -> Iterator[str]:
    name = server.create_database(template)
    asyncio.run(prepare(server.url(name), past=True))
    yield name
    server.drop_database(name)


@pytest.fixture
async def past(server: Server, past_template: str) -> AsyncIterator[Conn]:
    name = server.create_database(past_template)
    async with await connect(server.url(name)) as conn:
        yield conn
    server.drop_database(name)


async def test_every_job_type_has_runs_in_the_last_24_hours(past: Conn) -> None:
    runs = await rows(
        past, f"SELECT DISTINCT job_type FROM ascent.jobs WHERE state IN ('completed', 'failed') AND {LAST_DAY}"
    )

    # Weekdays only, and by New York's clock: on some days it has none.
    assert {row["job_type"] for row in runs} | {"reminders.send"} == set(JOB_TYPES) - RESTING


async def test_all_of_the_past_is_over(past: Conn) -> None:
    states = await rows(past, "SELECT state::text, count(*) AS jobs FROM ascent.jobs GROUP BY 1")
    future = await scalar(past, "SELECT count(*) FROM ascent.jobs WHERE finished_at > now() OR started_at > now()")

    assert {row["state"] for row in states} == {"completed", "failed", "cancelled"}
    assert 20_000 < sum(row["jobs"] for row in states) < 60_000
    assert future == 0


async def test_numbers_follow_creation(past: Conn) -> None:
    unordered = await scalar(
        past,
        "SELECT count(*) FROM (SELECT created_at < lag(created_at) OVER (ORDER BY id) AS back FROM ascent.jobs) AS x"
        " WHERE back",
    )

    assert unordered == 0


async def test_failures_reach_back_seven_days_and_no_further(past: Conn) -> None:
    days = await rows(
        past,
        "SELECT (extract(epoch FROM now() - finished_at) / 86400)::numeric(9, 4)::int AS ago, count(*) AS jobs"
        " FROM ascent.jobs WHERE state = 'failed' GROUP BY 1",
    )
    changed = await janitor.run(past)

    assert {row["ago"] for row in days} >= set(range(7))
    assert changed["delete_failed"] == 0


async def test_the_janitor_forgets_all_but_an_hour_of_completed_jobs(past: Conn) -> None:
    before = await scalar(past, f"SELECT count(*) FROM ascent.jobs WHERE state = 'completed' AND {LAST_DAY}")

    changed = await janitor.run(past)

    assert 0.9 * before < changed["delete_completed"] < before


def day_by_the_exporter(address: str) -> list[str]:
    """All that it says of the last 24 hours."""
    told = subprocess.run(
        [sys.executable, "-m", "exporter", "--once"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address},
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        line
        for line in told.stdout.splitlines()
        if line.startswith(("jobqueue_last24h_runs{", "jobqueue_last24h_failures{"))
    ]


async def test_the_24_hour_figures_stay_when_the_janitor_forgets(past: Conn) -> None:
    address = past.info.dsn
    await asyncio.to_thread(migrate, [Source(name="main", dsn=SecretStr(address))], lambda line: None)
    before = await asyncio.to_thread(day_by_the_exporter, address)

    await janitor.run(past)

    assert sum("_runs{" in line and not line.endswith(" 0.0") for line in before) > 10
    assert await asyncio.to_thread(day_by_the_exporter, address) == before


async def test_the_scheduler_goes_on_where_the_past_ends(past: Conn) -> None:
    late = await rows(
        past,
        "SELECT job_type FROM ascent.schedules"
        " WHERE enabled AND (last_enqueued_at IS NULL OR last_enqueued_at > now())",
    )

    enqueued = await Scheduler().enqueue_due(past)

    assert late == []
    assert set(enqueued) <= {"email.send_due", "uptime.probe"}  # when a minute begins just now


async def test_the_demo_knows_its_own_queue_again_and_adds_no_second_past(past: Conn) -> None:
    jobs = await scalar(past, "SELECT count(*) FROM ascent.jobs")

    assert await prepare(past.info.dsn, past=True) == jobs
    assert await scalar(past, "SELECT count(*) FROM ascent.jobs") == jobs


async def test_a_queue_is_made_where_there_is_none(empty_database: str) -> None:
    assert await prepare(empty_database, past=False) == 0

    async with await connect(empty_database) as conn:
        assert await scalar(conn, "SELECT count(*) FROM ascent.schedules") == len(SCHEDULED)


async def test_a_queue_that_the_demo_did_not_make_is_refused_untouched(queue: Conn, database: str) -> None:
    await add(queue)

    with pytest.raises(SomebodyElsesQueue, match="empty database"):
        await prepare(database, past=True)

    assert await scalar(queue, "SELECT count(*) FROM ascent.jobs") == 1
    assert await scalar(queue, "SELECT count(*) FROM ascent.schedules") == 0


async def test_an_empty_queue_of_somebody_is_used(queue: Conn, database: str) -> None:
    assert await prepare(database, past=False) == 0
    assert await scalar(queue, "SELECT count(*) FROM ascent.schedules") == len(SCHEDULED)
