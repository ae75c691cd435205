"""Real workers of every engine, for minutes, under one exporter with a source for each."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import pytest
import yaml

from exporter.poller import SLOWEST_SECONDS
from jobqueue import catalogue as metrics
from jobqueue.engines import open_engine
from jobqueue.states import JobState
from tests.conftest import Server
from tests.engines.conftest import KINDS
from tests.engines.drivers import MAIL, REPORT, Driver
from tests.engines.test_conformance import held, rests, said
from tests.exporter.process import serving
from tests.exporter.scrape import OPENMETRICS, Scrape
from tests.waiting import until_found

SECONDS = 120.0
LOOK_EVERY = 3.0
POLL_SECONDS = 2
MOST_WAITED = SLOWEST_SECONDS + 60
"""For the last retries to run, and for a collector that a busy machine made rare."""


@dataclass
class Watched:
    """One engine at work, and what it said of itself when."""

    name: str
    driver: Driver
    counted: list[tuple[float, Counter[str]]] = field(default_factory=list)
    """A moment, and the runs by job type that had ended before it."""
    read_at: list[float] = field(default_factory=list)
    """Moments at which the exporter had just read the runs, as far as its pages told."""

    async def work(self, seconds: float, seed: int) -> None:
        """Queue all sorts of jobs."""
        dice, end = Random(seed), time.monotonic() + seconds
        while time.monotonic() < end:
            failures = dice.choice([0, 0, 0, 0, 1, 9])
            await self.driver.enqueue(
                dice.choice([MAIL, REPORT]),
                seconds=dice.random() / 3,
                failures=failures,
                retries=1 if failures == 1 else 0,
            )
            await asyncio.sleep(dice.random() / 2)

    async def ended(self) -> Counter[str]:
        """The runs by job type that the engine says have ended."""
        ends = {self.driver.words[JobState.COMPLETED], self.driver.words[JobState.FAILED]}
        found: Counter[str] = Counter()
        for (job_type, word), jobs in (await self.driver.counts()).items():
            found[job_type] += jobs if word in ends else 0
        return found

    async def look(self, page: Scrape) -> None:
        """See that a page lies between what the engine said before the exporter read it, and what it says now."""
        now = await self.ended()
        read_at = page.value(metrics.COLLECTOR_LAST_SUCCESS, source=self.name, collector="runs")
        assert read_at is not None, self.name
        if read_at not in self.read_at:
            self.read_at.append(read_at)
        began = self.read_at[-2] if len(self.read_at) > 1 else 0.0  # the earliest moment: when the last one had ended
        before = next((counts for moment, counts in reversed(self.counted) if moment <= began), Counter[str]())
        for job_type, runs in page.by("job_type", metrics.RUNS, source=self.name).items():
            assert before[job_type] <= runs <= now[job_type], (self.name, job_type)
        self.counted.append((time.time(), now))


async def read_anew(scrape: Callable[[], Awaitable[Scrape]]) -> Scrape:
    """A page for which every collector of every source has read once more."""

    def times(page: Scrape) -> dict[tuple[str, str], float]:
        """When each read last; 0 if it hasn't yet."""
        found = {(labels["source"], labels["collector"]): 0.0 for labels, _ in page.select(metrics.COLLECTOR_SUCCESS)}
        for labels, moment in page.select(metrics.COLLECTOR_LAST_SUCCESS):
            found[labels["source"], labels["collector"]] = moment
        return found

    before, page = times(await scrape()), await scrape()
    end = time.monotonic() + MOST_WAITED
    while any(moment <= before[collector] for collector, moment in times(page).items()):
        assert time.monotonic() < end
        await asyncio.sleep(0.5)
        page = await scrape()
    return page


@pytest.fixture
async def engines(server: Server, template_of: Callable[[str], str]) -> AsyncIterator[Mapping[str, tuple[str, Driver]]]:
    """Addresses and drivers of all engines."""
    async with AsyncExitStack() as ending:
        found = {}
        for kind, made in KINDS.items():
            name = server.create_database(template_of(kind))
            ending.callback(server.drop_database, name)
            found[kind] = server.url(name), await ending.enter_async_context(made.drive(server.url(name)))
        yield found


async def test_for_minutes_of_real_work_the_figures_are_the_engines_own(
    engines: Mapping[str, tuple[str, Driver]], tmp_path: Path
) -> None:
    sources = [
        {
            "name": kind,
            "engine": driver.engine,
            "dsn": address,
            "poll_interval": POLL_SECONDS,
            "scrape_interval": 0,
            "settle": 10,
            "schedules": [{"job_type": each.job_type, "cron": each.cron} for each in driver.configured],
        }
        for kind, (address, driver) in engines.items()
    ]
    file = tmp_path / "sources.yaml"
    file.write_text(yaml.safe_dump({"sources": sources}))
    watched = [Watched(kind, driver) for kind, (_, driver) in engines.items()]

    async with serving(SYSTEM_STATUS_CONFIG=str(file)) as exporter, AsyncExitStack() as working:
        await exporter.until("/readyz", 200)

        async def scrape() -> Scrape:
            status, text = await exporter.get("/metrics", OPENMETRICS)
            assert status == 200
            return Scrape(text)

        await read_anew(scrape)  # from then on every page has the runs of every source
        for one in watched:
            await working.enter_async_context(one.driver.working())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.work(SECONDS, seed)) for seed, one in enumerate(watched)]
            while not all(task.done() for task in tasks):
                page = await scrape()
                for one in watched:
                    await one.look(page)
                await asyncio.sleep(LOOK_EVERY)
        for one in watched:
            await until_found(partial(rests, one.driver), seconds=MOST_WAITED)
        await read_anew(scrape)
        page = await read_anew(scrape)

        for one in watched:
            counts, engine = await one.driver.counts(), open_engine(one.driver.engine, None)
            assert said(page, one.driver, source=one.name) == held(counts, one.driver, engine), one.name
            runs, failed = await one.ended(), one.driver.words[JobState.FAILED]
            for job_type in (MAIL, REPORT):
                here = {"source": one.name, "job_type": job_type}
                assert runs[job_type] > SECONDS / 2
                assert page.value(metrics.RUNS, **here) == runs[job_type]
                assert page.value(metrics.DAY_RUNS, **here) == runs[job_type]
                assert page.value(metrics.RUN_DURATION.name + "_count", **here) == runs[job_type]
                assert page.value(metrics.RUN_FAILURES, **here) == counts[job_type, failed]
