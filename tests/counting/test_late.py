"""Runs that come later than the settle time are looked for: how often, how far back, and how much of it is said."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import pytest

from exporter.counting.late import LateRuns
from tests.counting.world import START, Exporter, Job, World

HOURS = 5


@pytest.fixture
async def world(migrated: str) -> AsyncIterator[World]:
    world = await World(migrated).open()
    yield world
    await world.close()


@pytest.fixture
async def exporter(world: World) -> Exporter:
    """One that has counted for some hours, in which a job ended every ten minutes."""
    exporter = world.exporter()
    await exporter.poll()
    for _ in range(6 * HOURS):
        world.finish(a_job(world, timedelta()), 0)
        await world.advance(600)
    await exporter.poll()
    await exporter.look_for_late_runs()
    assert exporter.late.found == 0
    return exporter


def a_job(world: World, ago: timedelta) -> Job:
    return Job("work", "completed", 1.0, 1.0, 0, world.now - ago)


async def runs_of(world: World) -> int:
    return (await world.table())["work"].runs


async def test_a_run_of_the_last_hour_is_found_by_the_next_look(world: World, exporter: Exporter) -> None:
    for minutes in (4, 58):
        world.finish(a_job(world, timedelta(minutes=minutes)), 0)
    await world.advance(1)

    await exporter.late.look()

    assert exporter.late.found == 2
    assert await runs_of(world) == 6 * HOURS + 2


async def test_a_run_of_hours_ago_is_found_when_its_hour_has_its_turn(world: World, exporter: Exporter) -> None:
    for hour in range(1, HOURS):
        world.finish(a_job(world, timedelta(hours=hour, minutes=30)), 0)
    await world.advance(1)

    found = []
    for _ in range(HOURS):
        await exporter.late.look()
        found.append(exporter.late.found)

    assert found[-1] == HOURS - 1
    assert all(after - before <= 1 for before, after in pairwise(found))


async def test_what_ended_before_the_history_began_is_not_looked_for(world: World, exporter: Exporter) -> None:
    world.finish(Job("work", "failed", 1.0, 1.0, 0, START - timedelta(minutes=5)), 0)
    await world.advance(1)

    await exporter.look_for_late_runs()

    assert exporter.late.found == 0


async def test_a_second_exporter_does_not_count_a_late_run_again(world: World, exporter: Exporter) -> None:
    other = world.exporter()
    await other.poll()
    world.finish(a_job(world, timedelta(minutes=30)), 0)
    await world.advance(1)

    for one in (exporter, other, exporter):
        await one.poll()
        await one.late.look()

    assert (exporter.late.found, other.late.found) == (1, 0)
    assert await runs_of(world) == 6 * HOURS + 1


async def test_nothing_is_taken_in_while_our_tables_cannot_be_written(world: World, exporter: Exporter) -> None:
    exporter.store.failure = "no right to write"
    world.finish(a_job(world, timedelta(minutes=30)), 0)
    await world.advance(1)

    await exporter.late.look()

    assert exporter.late.found == 0


async def test_it_looks_once_a_minute_and_less_often_when_a_look_takes_long() -> None:
    now, looks = [0.0], []

    class Slow(LateRuns):
        takes = 0.001

        async def look(self) -> None:
            looks.append(now[0])
            now[0] += self.takes

    late = Slow(None, None, None, lambda: now[0])  # type: ignore[arg-type]  # what it looks at is not asked for
    for second in range(130):
        now[0] = float(second)
        await late.look_when_due()
    assert looks == [0, 60, 120]

    late.takes, now[0] = 0.5, 200.0
    await late.look_when_due()
    for second in (201, 260, 699, 700):
        now[0] = float(second)
        await late.look_when_due()
    assert looks[3:] == [200, 700]
