"""Whatever the tables hold: both programs stay small and answer, and nothing is lost without a word."""

import asyncio
import re
from collections.abc import Iterator
from time import monotonic

import psycopg
import pytest

from exporter.poller import SLOWEST_SECONDS
from jobqueue import catalogue as metrics
from jobqueue.bounds import LISTS, OTHER, SHOWN
from tests.conftest import Server
from tests.control_api.service import HTML, JSON
from tests.exporter.process import Running, serving
from tests.exporter.scrape import OPENMETRICS, Scrape
from tests.security.floods import FLOODS, UNCHECKED
from tests.waiting import PATIENCE

MOST_MEGABYTES = 200
LARGEST_METRICS = 10_000_000
LARGEST_PAGE = 1_000_000
HANGING = 10.0
"""Seconds that no answer about the process's health may take, on the slowest machine."""

UNHURRIED = "60"
"""The seconds a query may take: the promise is about memory, on the slowest machine too."""

FOLDED_JOB_TYPES = re.compile(rf'^{metrics.FOLDED.name}{{.*kind="job_types".*}} (\S+)$', re.MULTILINE)
FAILED_COLLECTOR = re.compile(rf"^{metrics.COLLECTOR_SUCCESS.name}{{.*}} 0(\.0)?$", re.MULTILINE)

PAGES = [
    "/control/",
    "/control/main/janitor",
    "/control/main/cancel-pending",
    "/control/main/fail-active",
    "/control/audit",
]


@pytest.fixture(scope="module")
def flooded(server: Server, migrated_template: str) -> Iterator[str]:
    name = server.create_database(migrated_template)
    with psycopg.connect(server.url(name), autocommit=True) as conn:
        conn.execute(UNCHECKED)
        for flood in FLOODS.values():
            conn.execute(flood.encode())
        conn.execute("ANALYZE")
    yield server.url(name)
    server.drop_database(name)


async def test_the_exporter_stays_below_200_mb_however_full_the_tables_are(flooded: str) -> None:
    async with serving(DATABASE_URL=flooded, STATEMENT_TIMEOUT=UNHURRIED) as exporter:
        page = await read_whole(exporter)
        _, text = await exporter.get("/metrics", "text/plain")

        assert exporter.peak_megabytes < MOST_MEGABYTES
        assert max(len(page), len(text)) < LARGEST_METRICS
    shown = Scrape(page)
    assert len(shown.select(metrics.JOBS, job_type=OTHER)) == 7
    assert sum(value for _, value in shown.select(metrics.JOBS, state="pending")) == 120_000
    assert sum(value for _, value in shown.select(metrics.DAY_RUNS)) == 240_000
    assert len(shown.select(metrics.WORKER_ONLINE)) == LISTS["workers"]
    assert shown.value(metrics.FOLDED, kind="workers") == 2_050 - LISTS["workers"]
    schedules = len(shown.select(metrics.SCHEDULE_VALID))
    assert shown.value(metrics.FOLDED, kind="schedules") == 20_100 - schedules


async def test_the_control_api_stays_below_200_mb_however_full_the_tables_are(flooded: str) -> None:
    async with serving("control_api", DATABASE_URL=flooded, CONTROL_API_AUTH="loopback") as control:
        for path in PAGES:
            for accept in (HTML, JSON):
                status, text = await control.get(path, accept["Accept"])
                assert status == 200, path
                assert len(text) < LARGEST_PAGE, path

        assert control.peak_megabytes < MOST_MEGABYTES
        index = (await control.get("/control/", HTML["Accept"]))[1]
        assert f"And {20_100 - SHOWN:,} more recurring jobs." in index
        asked = (await control.get("/control/main/cancel-pending", HTML["Accept"]))[1]
        assert f"{120_000 - LISTS['concerned']:,} other job types" not in asked  # so many are counted, and no more
        assert f"{100_000 - LISTS['concerned']:,} other job types" in asked
        assert "at least 100,000" in asked
    assert all(len(str(line)) < 3_000 for line in control.log)


async def test_health_is_answered_while_the_largest_page_is_drawn(flooded: str) -> None:
    async with serving("control_api", DATABASE_URL=flooded, CONTROL_API_AUTH="loopback") as control:
        for path in PAGES:
            page = asyncio.create_task(control.get(path, HTML["Accept"]))
            asked = waited = 0.0
            while not page.done():
                began = monotonic()
                assert (await control.get("/healthz"))[0] == 200
                asked, waited = asked + 1, max(waited, monotonic() - began)
                await asyncio.sleep(0.01)
            await page
            assert waited < HANGING, path
            assert asked, path


async def read_whole(exporter: Running) -> str:
    """The page as soon as every collector has succeeded, and it says what is folded."""
    # On a slow machine a read takes so long that its collector asks again as rarely as it may.
    async with asyncio.timeout(2 * SLOWEST_SECONDS + PATIENCE):
        while True:
            _, text = await exporter.get("/metrics", OPENMETRICS)
            # Two lines are looked for, and the page is not parsed: that takes seconds, which the exporter needs.
            folded = FOLDED_JOB_TYPES.search(text)
            if folded and float(folded[1]) >= 119_000 and not FAILED_COLLECTOR.search(text):
                return text
            await asyncio.sleep(0.5)
