"""The figures of 24 hours come from our table anew, once an hour: what others wrote there is shown."""

import asyncio
from datetime import timedelta

import psycopg

from tests.counting.world import Job, World


def test_a_row_that_was_changed_by_hand_is_shown_within_an_hour(shared_database: str) -> None:
    async def tell() -> list[int]:
        world = await World(shared_database).open()
        exporter = world.exporter()
        world.finish(Job("mail", "completed", 1.0, 0.5, 0, world.now - timedelta(seconds=1)), late=0)
        await world.advance(1)
        await exporter.poll()
        with psycopg.connect(shared_database, autocommit=True) as conn:
            conn.execute("UPDATE system_status.run_minutes SET runs = 40 WHERE source = %s", [world.source])
        shown = [exporter.tally.day.types["mail"].runs]
        for minutes in (58, 2, 60):
            await world.advance(60 * minutes)
            await exporter.poll()
            shown.append(exporter.tally.day.types["mail"].runs)
        await world.close()
        return shown

    assert asyncio.run(tell()) == [1, 1, 40, 40]
