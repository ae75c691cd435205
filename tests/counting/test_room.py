"""More job types than there is room for: each run is counted once all the same, by its name or in a sum."""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from random import Random

import pytest
from psycopg import AsyncConnection

from jobqueue.bounds import OTHER
from jobqueue.engine import Room
from jobqueue.engines import open_engine
from tests.counting.world import Job, World, assert_same, truth

PLACES = 4


@pytest.fixture
async def world(migrated: str) -> AsyncIterator[World]:
    world = await World(migrated).open()
    yield world
    await world.close()


def added_up(jobs: Iterable[Job], names: set[str]) -> list[Job]:
    """The jobs as they are told: those without a name of their own as ``OTHER``."""
    return [
        Job(
            job.job_type if job.job_type in names else OTHER,
            job.state,
            job.duration,
            job.wait,
            job.retries,
            job.finished_at,
        )
        for job in jobs
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_runs_without_room_are_added_up_and_counted_once(world: World, seed: int) -> None:
    random = Random(seed)
    world.room = Room(places=PLACES)
    exporter = world.exporter()
    await exporter.poll()

    for step in range(30):
        for _ in range(random.randrange(12)):
            finished_at = world.now - timedelta(seconds=random.uniform(0, 20))
            state = random.choice(["completed", "failed", "cancelled"])
            job_type = f"{step // 10}-{random.randrange(8)}"
            world.finish(Job(job_type, state, 1.5, 0.25, 1, finished_at), random.uniform(0, 60))
        await world.advance(random.uniform(5, 40))
        if random.random() < 0.15:
            await exporter.crash(random.choice(["before commit", "after commit"]))
        await exporter.poll()
    await world.commit_everything()
    await world.advance(60)
    await exporter.poll()

    counted = {name: runs.finished for name, runs in (await world.table()).items()}
    assert OTHER in counted
    assert sum(counted.values()) == len(world.committed)
    assert sum(runs.finished for runs in exporter.counters().values()) <= len(world.committed)


async def test_what_is_added_up_has_every_figure_of_its_parts(migrated: str, world: World) -> None:
    jobs = [
        Job(f"type-{n}", "failed" if n % 3 == 0 else "completed", 2.0**n, 1.0, n, world.now - timedelta(seconds=n))
        for n in range(10)
    ]
    for job in jobs:
        world.finish(job, 0)
    world.room = Room(["type-7"], places=3)
    await world.advance(1)
    await world.exporter().poll()

    assert_same(await world.table(), truth(added_up(jobs, {"type-7", "type-0", "type-1"})))


async def test_those_that_are_known_are_named_before_all_others(migrated: str, conn: AsyncConnection) -> None:
    reader = open_engine("ascent", None).reader
    for n in range(9):
        await conn.execute(
            "INSERT INTO ascent.jobs (job_type) SELECT %s FROM generate_series(1, %s)", [f"type-{n}", 10 - n]
        )
    room = Room(["type-8"], places=3)

    async with conn.transaction():
        live = await reader.live_counts(conn, room)
        ready = await reader.oldest_ready(conn, room)

    assert {row.job_type: row.jobs for row in live if row.state == "pending"} == {
        "type-8": 2, "type-0": 10, "type-1": 9, OTHER: 8 + 7 + 6 + 5 + 4 + 3,
    }  # fmt: skip
    assert {row.others for row in live if row.job_type == OTHER} == {6}
    assert len(ready) == 4
