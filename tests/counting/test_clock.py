"""A database whose clock jumps loses no run and counts none twice."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.counting.world import Job, World, assert_same, truth


def a_job(world: World) -> Job:
    return Job("work", "completed", duration=1.5, wait=0.25, retries=0, finished_at=world.now)


def in_a_world(address: str, story: Callable[[World], Awaitable[None]]) -> None:
    async def tell() -> None:
        world = await World(address).open()
        try:
            await story(world)
        finally:
            await world.close()

    asyncio.run(tell())


@pytest.mark.parametrize("back", [30, 90, 600, 3 * 3600], ids=lambda seconds: f"{seconds} s")
def test_a_clock_that_is_set_back_repeats_minutes_and_each_is_counted_once(shared_database: str, back: int) -> None:
    async def tell(world: World) -> None:
        exporter = world.exporter()
        await exporter.poll()
        for _ in range(40):
            world.finish(a_job(world), late=0)
            await world.advance(15)
            await exporter.poll()

        world.now -= timedelta(seconds=back)
        for _ in range(40):
            world.finish(a_job(world), late=0)
            await world.advance(15)
            await exporter.poll()

        assert_same(await world.table(), truth(world.committed))
        assert_same(exporter.counters(), truth(world.committed))

    in_a_world(shared_database, tell)


def test_an_exporter_that_was_away_while_the_clock_was_behind_continues_where_it_was(shared_database: str) -> None:
    async def tell(world: World) -> None:
        exporter = world.exporter()
        await exporter.poll()
        world.now -= timedelta(hours=3)
        world.finish(a_job(world), late=0)
        await world.advance(15)
        await exporter.poll()

        for _ in range(40):
            world.finish(a_job(world), late=0)
            await world.advance(15)
        exporter.restart()
        await exporter.poll()

        assert_same(await world.table(), truth(world.committed))
        assert_same(exporter.counters(), truth(world.committed))

    in_a_world(shared_database, tell)


def test_a_clock_that_jumps_ahead_and_is_set_right_loses_nothing(shared_database: str) -> None:
    async def tell(world: World) -> None:
        exporter = world.exporter()
        await exporter.poll()
        for jump in (0, 7200, -7200):
            world.now += timedelta(seconds=jump)
            for _ in range(20):
                world.finish(a_job(world), late=0)
                await world.advance(15)
                await exporter.poll()

        assert_same(await world.table(), truth(world.committed))
        assert_same(exporter.counters(), truth(world.committed))

    in_a_world(shared_database, tell)
