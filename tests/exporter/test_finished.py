"""How many completed, failed and cancelled jobs there are: what count(*) says, without counting each time."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from psycopg import AsyncConnection

from exporter.collectors.finished import FinishedCollector, count_again_after
from exporter.database import Database
from exporter.job_types import JobTypes
from exporter.samples import Sample
from jobqueue import catalogue as metrics
from jobqueue.engines import open_engine
from jobqueue.states import TERMINAL, JobState
from tests.counting.world import SETTLE, Job, World
from tests.exporter.rows import Held, finish, held, job
from tests.exporter.scrape import Watch, source

JOB_TYPES = ("email.send", "reports.daily", "cleanup")
DAY = 24 * 3600.0
JANITOR = "DELETE FROM ascent.jobs WHERE state = %s AND finished_at < %s"


@pytest.fixture
async def world(migrated: str) -> AsyncIterator[World]:
    opened = await World(migrated).open()
    yield opened
    await opened.close()


class Life:
    """One life of an exporter, as far as it counts finished rows."""

    def __init__(self, world: World, queue: Database) -> None:
        self._tally = world.exporter().tally
        self.collector = FinishedCollector(open_engine("ascent", None).reader, queue, JobTypes(100), self._tally)
        self._tally.followers.append(self.collector)

    async def hear(self) -> None:
        await self._tally.poll()

    async def shown(self) -> Held:
        """What is counted, zeros left out."""
        samples = await self.collector.collect()
        return +Held(
            {
                (sample.labels[0], sample.labels[1]): int(sample.value)
                for sample in samples
                if isinstance(sample, Sample)
            }
        )


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[Database]:
    async with Database(migrated, 5, read_only=True) as opened:
        yield opened


def some_finish(world: World, random: Random, jobs: int, *, ago: float = 0, until: float = 0) -> None:
    """Jobs that finished so many seconds ago at most; they commit late, but not later than promised."""
    for _ in range(jobs):
        state = random.choices(["completed", "failed", "cancelled"], [6, 2, 1])[0]
        finished_at = world.now + timedelta(seconds=random.uniform(-ago, until))
        late = random.uniform(0, SETTLE.total_seconds())
        world.finish(Job(random.choice(JOB_TYPES), state, 1.0, 1.0, 0, finished_at), late)


async def janitor(world: World, queue: AsyncConnection, state: JobState, older_than: float) -> None:
    await queue.execute(JANITOR, [state, world.now - timedelta(seconds=older_than)])


@pytest.fixture
def count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table so large that it is counted at the start alone: totals follow what is counted, and the janitor."""
    monkeypatch.setattr("exporter.collectors.finished.count_again_after", lambda took: math.inf)


@pytest.mark.usefixtures("count_once")
@pytest.mark.parametrize("seed", range(6))
async def test_totals_equal_a_full_count_through_finishing_deleting_and_restarting(
    world: World, queue: AsyncConnection, database: Database, seed: int
) -> None:
    random = Random(seed)
    some_finish(world, random, 400, ago=9 * DAY)
    await world.advance(0)
    life = Life(world, database)
    for _ in range(30):
        gap = random.choice([15.0, 60.0, random.uniform(0, 1500)])
        some_finish(world, random, random.randint(0, 12), until=gap)
        await world.advance(gap)
        match random.choice(["janitor", "janitor", "restart", "wait", "wait"]):
            case "janitor":
                age = random.choice([3600.0, random.uniform(3600, 9 * DAY)])
                await janitor(world, queue, random.choice(TERMINAL), older_than=age)
            case "restart":
                life = Life(world, database)
        await life.hear()

        assert await life.shown() == await held(queue)


@pytest.mark.usefixtures("count_once")
@pytest.mark.parametrize("state", TERMINAL)
async def test_a_state_of_which_nothing_is_left_is_zero(
    world: World, queue: AsyncConnection, database: Database, state: JobState
) -> None:
    some_finish(world, Random(1), 100, ago=3 * DAY)
    await world.advance(0)
    life = Life(world, database)
    await life.hear()
    await life.shown()

    await janitor(world, queue, state, older_than=-DAY)
    shown = await life.shown()

    assert shown == await held(queue)
    assert {found for _, found in shown} == set(TERMINAL) - {state}


@pytest.mark.usefixtures("count_once")
async def test_rows_that_were_deleted_or_changed_by_hand_are_made_good_by_the_next_full_count(
    world: World, queue: AsyncConnection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_finish(world, Random(2), 300, ago=5 * DAY)
    await world.advance(0)
    life = Life(world, database)
    await life.hear()
    await life.shown()

    await queue.execute("DELETE FROM ascent.jobs WHERE id % 3 = 1")
    await queue.execute("UPDATE ascent.jobs SET state = 'failed' WHERE state = 'completed' AND id % 3 = 2")
    followed = await life.shown()
    monkeypatch.setattr(life.collector, "_count_again_at", 0.0)
    counted_again = await life.shown()

    assert followed != await held(queue)
    assert counted_again == await held(queue)


async def test_of_a_small_table_whatever_was_deleted_or_changed_by_hand_is_noticed_at_the_next_poll(
    world: World, queue: AsyncConnection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.collectors.finished.count_again_after", lambda took: 0.0)
    some_finish(world, Random(2), 300, ago=5 * DAY)
    await world.advance(0)
    life = Life(world, database)
    await life.hear()
    await life.shown()

    await queue.execute("DELETE FROM ascent.jobs WHERE id % 3 = 1")
    await queue.execute("UPDATE ascent.jobs SET state = 'failed' WHERE state = 'completed' AND id % 3 = 2")

    assert await life.shown() == await held(queue)


async def test_each_job_stands_once_in_the_state_that_it_has_though_it_ended_several_times(
    world: World, queue: AsyncConnection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.collectors.finished.count_again_after", lambda took: 0.0)
    random = Random(4)
    life = Life(world, database)
    await life.hear()
    some_finish(world, random, 50, until=5)
    await world.advance(SETTLE.total_seconds())
    for _ in range(3):
        await life.hear()
        world.polled()
        for row, ended in (await world.retry(random, 20)).items():
            world.finish(replace(ended, state="failed", finished_at=world.now), 0, row)
        await world.advance(1)
    await world.retry(random, 10)
    await life.hear()

    finished = {key: jobs for key, jobs in (await held(queue)).items() if key[1] != "pending"}
    assert await life.shown() == finished


def test_a_full_count_takes_a_two_thousandth_of_the_time() -> None:
    assert count_again_after(0.005) == 10
    assert count_again_after(9.0) == 5 * 3600


async def test_what_finishes_during_a_full_count_is_not_missed(
    world: World, queue: AsyncConnection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(3)
    some_finish(world, random, 300, ago=9 * DAY)
    await world.advance(0)
    life = Life(world, database)
    await life.hear()
    await life.shown()
    monkeypatch.setattr(life.collector, "_count_again_at", 0.0)

    counting, meanwhile = asyncio.create_task(life.shown()), 0
    while not counting.done():
        some_finish(world, random, 3, until=100)
        await world.advance(100)
        await life.hear()
        meanwhile += 1
    await counting

    assert meanwhile > 1
    assert await life.shown() == await held(queue)


async def test_a_job_type_of_which_only_old_finished_rows_are_left_is_shown(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await finish(queue, [job("forgotten", "failed", finished=3 * DAY), job("forgotten", "cancelled", finished=6 * DAY)])

    page = await watch(source(migrated)).poll(rounds=2)

    expected = dict.fromkeys(JobState, 0) | {JobState.FAILED: 1, JobState.CANCELLED: 1}
    assert page.by("state", metrics.JOBS, job_type="forgotten") == expected


async def test_totals_of_job_types_beyond_the_limit_stand_under_the_common_label(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await finish(queue, [job(f"type.{number}", finished=number * 4000.0) for number in range(20)])

    page = await watch(source(migrated, job_type_limit=3)).poll(rounds=2)

    totals = page.by("job_type", metrics.JOBS, state="completed")
    assert sorted(totals.values()) == [1, 1, 1, 17]
