import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from demo import history
from demo.database import SomebodyElsesQueue, prepare
from demo.platform import janitor
from demo.platform.catalogue import JOB_TYPES, SCHEDULED
from demo.platform.connection import Conn, connect
from demo.platform.scheduler import Scheduler
from jobqueue.config import Source
from jobqueue.schedules import parse
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.demo.jobs import add, rows, scalar

RESTING = {job_type.name for job_type in SCHEDULED if not job_type.enabled}
ROOT = Path(__file__).parents[2]
DAILY = {"reminders.send", "storage.sweep_orphans", "reports.daily_digest", "reports.build"}
"""One may be running just when the past ends."""
LAST_DAY = "finished_at > now() - interval '24 hours'"


async def write_the_past(address: str) -> None:
    await prepare(address, past=False)
    async with await connect(address) as conn:
        await history.write(conn, seed=1)


@pytest.fixture(scope="module")
def past_template(server: Server, template: str) -> Iterator[str]:
    name = server.create_database(template)
    asyncio.run(write_the_past(server.url(name)))
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

    assert {row["job_type"] for row in runs} >= set(JOB_TYPES) - RESTING - DAILY


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
        "SELECT floor(extract(epoch FROM now() - finished_at) / 86400)::int AS ago, count(*) AS jobs"
        " FROM ascent.jobs WHERE state = 'failed' AND finished_at > now() - interval '7 days' GROUP BY 1",
    )
    seven_days_before_it_was_written = "now() - interval '7 days 10 minutes'"
    older = await scalar(
        past, f"SELECT count(*) FROM ascent.jobs WHERE finished_at < {seven_days_before_it_was_written}"
    )

    assert {row["ago"] for row in days} == set(range(7))
    assert min(row["jobs"] for row in days) > 100
    assert older == 0


async def test_the_janitor_forgets_all_but_an_hour_of_completed_jobs(past: Conn) -> None:
    before = await scalar(past, f"SELECT count(*) FROM ascent.jobs WHERE state = 'completed' AND {LAST_DAY}")

    changed = await janitor.run(past)

    assert 0.9 * before < changed["delete_completed"] < before


def day_by_the_exporter(address: str) -> Mapping[str, float]:
    """What it says of the last 24 hours of one job type."""
    told = subprocess.run(
        [sys.executable, "-m", "exporter", "--once"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address},
        capture_output=True,
        text=True,
        check=True,
    )
    line = re.compile(r'jobqueue_last24h_(\w+)\{job_type="webhooks.deliver",.*\} (.+)')
    return {found[1]: float(found[2]) for found in map(line.match, told.stdout.splitlines()) if found}


async def test_the_24_hour_figures_stay_when_the_janitor_forgets(past: Conn) -> None:
    address = past.info.dsn
    await asyncio.to_thread(migrate, [Source(name="main", dsn=SecretStr(address))], lambda line: None)
    before = await asyncio.to_thread(day_by_the_exporter, address)

    await janitor.run(past)

    after = await asyncio.to_thread(day_by_the_exporter, address)
    assert before["runs"] > 8000
    assert 0.94 < before["success_ratio"] < 0.97
    for figure in ("runs", "failures", "success_ratio"):
        # A minute may have left the 24 hours meanwhile. From the rows still there, not half of the runs went well.
        assert after[figure] == pytest.approx(before[figure], rel=0.03)


async def test_the_scheduler_goes_on_where_the_past_ends(past: Conn) -> None:
    [end] = await rows(past, "SELECT max(finished_at) AS of_past FROM ascent.jobs")

    enqueued = await Scheduler().enqueue_due(past)

    schedules = await rows(past, "SELECT *, now() AS now FROM ascent.schedules WHERE enabled")
    newest = {row["job_type"]: parse(row["cron"], row["timezone"]).last_at_or_before(row["now"]) for row in schedules}
    assert set(enqueued) <= {job_type for job_type, tick in newest.items() if tick and tick > end["of_past"]}
    assert None not in [row["last_enqueued_at"] for row in schedules]


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
