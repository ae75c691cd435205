"""What is counted outlives an upgrade, tables that are away for a while, and crowded seconds."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from psycopg import AsyncConnection

from exporter.counting.day import Day
from exporter.counting.ledger import Draft, Ledger
from exporter.counting.reads import Reads
from exporter.counting.runs import Runs
from exporter.counting.store import RunStore
from jobqueue.rows import MinuteRuns, NewRuns, SlotCount
from tests.counting.world import SETTLE, Exporter, Job, World, assert_same, truth


@pytest.fixture
async def conn(migrated: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def world(migrated: str) -> AsyncIterator[World]:
    world = await World(migrated).open()
    yield world
    await world.close()


async def work(
    world: World, random: Random, *exporters: Exporter, rounds: int = 20, gap: float = 20, retried: int = 2
) -> None:
    """Jobs end, some are retried and end again, exporters poll by turns."""
    for number in range(rounds):
        for _ in range(random.randrange(6)):
            finished_at = world.now + timedelta(seconds=random.uniform(-20, 20))
            state = random.choice(["completed", "failed", "cancelled"])
            job = Job(random.choice("ab"), state, 1.5, 0.25, 1, finished_at)
            world.finish(job, random.uniform(0, SETTLE.total_seconds()))
        for row, ended in (await world.retry(random, retried)).items():
            world.finish(replace(ended, state="failed", finished_at=world.now), 0, row)
        await world.advance(gap)
        if exporters:
            await exporters[number % len(exporters)].poll()


async def assert_exact(world: World, *exporters: Exporter) -> None:
    await world.commit_everything()
    for exporter in exporters:
        await exporter.poll()
    assert_same(await world.table(), truth(world.committed))


async def test_an_exporter_goes_on_with_the_figures_of_a_version_that_knew_no_ends(
    world: World, conn: AsyncConnection
) -> None:
    random, exporter = Random(1), world.exporter()
    await exporter.poll()
    await work(world, random, exporter, retried=0)
    await conn.execute("DELETE FROM system_status.run_ends")
    await conn.execute("UPDATE system_status.sources SET ends_from = NULL, writes = 0")
    exporter.restart()

    await work(world, random, exporter, retried=0, rounds=1)
    await work(world, random, exporter)
    await assert_exact(world, exporter)


@pytest.mark.parametrize("exporters", [1, 2])
async def test_nothing_is_lost_while_our_tables_are_away(world: World, conn: AsyncConnection, exporters: int) -> None:
    random, pollers = Random(2), [world.exporter() for _ in range(exporters)]
    for poller in pollers:
        await poller.poll()
    await work(world, random, *pollers, retried=0)
    await conn.execute("ALTER TABLE system_status.run_minutes RENAME TO away")
    # Longer than the settle time. Two exporters can't tell each other of a job that has ended before it is retried.
    await work(world, random, *pollers, rounds=40, retried=2 if exporters == 1 else 0)
    assert pollers[0].store.failure
    await conn.execute("ALTER TABLE system_status.away RENAME TO run_minutes")
    for poller in pollers:
        await poller.poll()

    await work(world, random, *pollers, retried=0)

    await assert_exact(world, *pollers)
    assert pollers[0].store.failure is None
    if exporters == 1:
        assert_same(pollers[0].counters(), truth(world.committed))


async def test_a_source_that_was_just_begun_is_read_while_our_tables_are_away(world: World) -> None:
    """Also when a minute began just now, of which the one before isn't settled."""
    world.now = world.now.replace(second=1)
    exporter = world.exporter()
    await exporter.poll()

    exporter.store.lose()
    await exporter.poll()

    assert exporter.store.failure is not None


async def test_a_write_that_was_lost_with_its_server_is_made_again(world: World, conn: AsyncConnection) -> None:
    random, exporter = Random(3), world.exporter()
    await exporter.poll()
    await work(world, random, exporter)
    await conn.execute("CREATE TABLE was_sources AS SELECT * FROM system_status.sources")
    await conn.execute("CREATE TABLE was_minutes AS SELECT * FROM system_status.run_minutes")
    await conn.execute("CREATE TABLE was_ends AS SELECT * FROM system_status.run_ends")
    await work(world, random, exporter, rounds=2, gap=5)

    for table, was in (("sources", "was_sources"), ("run_minutes", "was_minutes"), ("run_ends", "was_ends")):
        await conn.execute(f"DELETE FROM system_status.{table}".encode())
        await conn.execute(f"INSERT INTO system_status.{table} SELECT * FROM {was}".encode())
    await work(world, random, exporter)

    await assert_exact(world, exporter)
    assert_same(exporter.counters(), truth(world.committed))


async def test_two_exporters_that_poll_by_turns_read_the_queue_once_a_poll(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read_new = Reads.new

    async def count(of: Reads, *asked: Any) -> Draft:
        nonlocal reads
        reads += 1
        return await read_new(of, *asked)

    pollers = [world.exporter(), world.exporter()]
    for poller in (*pollers, *pollers):
        await poller.poll()
    monkeypatch.setattr(Reads, "new", count)

    await work(world, Random(6), *pollers, rounds=10)

    assert reads == 10
    await assert_exact(world, *pollers)


async def test_what_another_exporter_wrote_just_now_stands_in_the_day_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = world.exporter(), world.exporter()
    read_day, interrupted = RunStore.day, False

    async def interrupt(store: RunStore, *of: Any) -> Day:
        nonlocal interrupted
        if store is other.store and not interrupted:
            interrupted = True
            await work(world, Random(4), one, rounds=3, retried=0)
        return await read_day(store, *of)

    await one.poll()
    await work(world, Random(3), one, rounds=3)
    monkeypatch.setattr(RunStore, "day", interrupt)
    for _ in range(4):
        await other.poll()
        await one.poll()

    assert interrupted
    kept = {job_type: runs.runs for job_type, runs in (await world.table()).items()}
    for exporter in (one, other):
        assert {job_type: day.runs for job_type, day in exporter.tally.day.types.items()} == kept


@pytest.mark.parametrize("seed", range(3))
async def test_a_crowded_minute_is_compared_by_number_and_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("exporter.counting.ledger.MOST_ENDS", 3)
    random, pollers = Random(seed), [world.exporter(), world.exporter()]
    for poller in pollers:
        await poller.poll()
    for number in range(40):
        for _ in range(random.choice([0, 1, 2, 20])):
            finished_at = world.now + timedelta(seconds=random.uniform(-5, 5))
            world.finish(Job(random.choice("ab"), "completed", 1.5, 0.25, 1, finished_at), random.uniform(0, 60))
        await world.advance(random.uniform(1, 30))
        if random.random() < 0.1:
            pollers[1].restart()
        if random.random() < 0.1:
            await world.delete_finished_before(3600)
        await pollers[number % 2].poll()

    await assert_exact(world, *pollers)


def test_a_slot_is_read_again_when_its_rows_are_others_or_fewer() -> None:
    ledger = Ledger()
    ledger.accept(ledger.draft({1: SlotCount(3, 33), 2: SlotCount(3, 44)}))

    assert ledger.changed({1: SlotCount(3, 33), 2: SlotCount(3, 44)}) == {}
    assert ledger.changed({1: SlotCount(3, 34), 2: SlotCount(2, 44)}) == {1: 3, 2: 2}


def test_of_a_minute_that_is_read_whole_no_figure_falls() -> None:
    ledger = Ledger()
    ledger.start({(7, "work"): Runs(runs=2, failures=2, cancelled=1)}, {}, 8)
    read = MinuteRuns(7, "work", 4, 1, 0, 0, 0.0, None, 0.0, None, None, [])

    draft = ledger.draft({}, whole=NewRuns([read], {}))

    [counted] = draft.minutes.values()
    assert (counted.runs, counted.failures, counted.cancelled) == (4, 2, 1)
    [grown] = draft.growth.values()
    assert (grown.runs, grown.failures, grown.cancelled) == (2, 0, 0)


def test_no_figure_of_a_growth_is_negative() -> None:
    grown = Runs(runs=3, failures=0, run_seconds=1.0).growth_since(Runs(runs=1, failures=1, run_seconds=2.0))

    assert (grown.runs, grown.failures, grown.run_seconds) == (2, 0, 0.0)
