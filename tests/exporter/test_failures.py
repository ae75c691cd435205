"""Whatever happens to PostgreSQL, the page answers at once, says what is missing, and nothing is counted twice."""

import asyncio
from time import monotonic
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer
from psycopg import AsyncConnection
from pydantic import SecretStr

import exporter.database as exporter_database
from demo.postgres import EmbeddedPostgres
from exporter.exposition import Exposition
from exporter.page import Page
from exporter.web import create_app
from jobqueue import catalogue as metrics
from jobqueue.config import Source
from jobqueue.tables.grants import grants, store_grants
from jobqueue.tables.migrate import migrate
from tests.exporter.read_only import allow_writing, forbid_writing
from tests.exporter.rows import ago, finish, job, populate, put
from tests.exporter.scrape import Scrape, Watch, source
from tests.exporter.wire import Wire
from tests.exporter.work import Work
from tests.waiting import PATIENCE

QUEUE = {"server", "schedules", "workers", "active", "ready", "runs", "live", "finished"}
"""The collectors that read the queue's database."""
OF_TABLE = {
    "ascent.jobs": {"active", "ready", "runs", "live", "finished"},
    "ascent.schedules": {"schedules"},
    "ascent.workers": {"workers", "server"},
    "system_status.run_minutes": {"store"},
    "system_status.sources": {"store"},
}
FAMILIES_OF = {
    "schedules": metrics.SCHEDULE_INFO,
    "workers": metrics.WORKER_INFO,
    "server": metrics.SOURCE_INFO,
    "active": metrics.OLDEST_ACTIVE,
    "ready": metrics.OLDEST_READY,
    "runs": metrics.RUNS,
}


@pytest.fixture(autouse=True)
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that refused is tried again at once, which in earnest takes some seconds."""
    monkeypatch.setattr(exporter_database, "_REFUSED_FOR_SECONDS", 0.0)


def failing(page: Scrape) -> set[str]:
    """The collectors that the page names."""
    return {name for name, success in page.by("collector", metrics.COLLECTOR_SUCCESS).items() if not success}


def assert_served(page: Scrape, without: set[str]) -> None:
    """What was read is there, what wasn't is named and absent."""
    assert failing(page) == without
    for collector, metric in FAMILIES_OF.items():
        assert bool(page.select(metric)) == (collector not in without), collector
    for collector, state in (("live", "pending"), ("finished", "completed")):
        assert bool(page.select(metrics.JOBS, state=state)) == (collector not in without), collector


async def test_postgres_that_is_down_at_the_start_is_read_when_it_comes_up(
    postgres: EmbeddedPostgres, address: str, watch: Watch
) -> None:
    work = Work(address)
    postgres.stop()
    exporter = watch(source(address))

    page = await exporter.poll()

    assert page.value(metrics.UP) == 0
    assert failing(page) >= QUEUE
    of_the_exporter = metrics.METRICS[: metrics.METRICS.index(metrics.FOLDED)]
    assert {name for name, _ in page.series} <= {metric.name for metric in of_the_exporter}

    postgres.start_again()
    await exporter.poll()
    await work.goes_on()
    page = await exporter.poll()

    assert page.value(metrics.UP) == 1
    assert failing(page) == set()
    work.assert_counted(page)
    await work.assert_kept()


@pytest.mark.parametrize("how", ["stopped", "shut down at once", "killed"])
async def test_postgres_that_goes_away_and_comes_back_loses_no_job_and_counts_none_twice(
    postgres: EmbeddedPostgres, address: str, watch: Watch, how: str
) -> None:
    work, exporter = Work(address), watch(source(address))
    await exporter.poll()
    await work.goes_on()
    work.assert_counted(await exporter.poll())
    await work.goes_on()

    match how:
        case "stopped":
            postgres.stop()
        case "shut down at once":
            postgres.stop("immediate")
        case "killed":
            postgres.crash()
    page = await exporter.poll(rounds=2)

    assert page.value(metrics.UP) == 0
    assert failing(page) >= QUEUE
    assert page.select(metrics.RUNS) == page.select(metrics.DAY_RUNS) == page.select(metrics.JOBS) == []

    postgres.start_again()
    await work.goes_on()
    await exporter.poll()
    await work.goes_on()
    page = await exporter.poll()

    assert page.value(metrics.UP) == 1
    assert failing(page) == set()
    work.assert_counted(page)
    await work.assert_kept()


async def test_a_restart_between_two_polls_costs_at_most_one_read(
    postgres: EmbeddedPostgres, address: str, watch: Watch
) -> None:
    work, exporter = Work(address), watch(source(address))
    await exporter.poll()
    await work.goes_on()
    postgres.restart()

    once = await exporter.poll()
    again = await exporter.poll()

    assert len(failing(once)) <= 2  # one for each connection
    assert failing(again) == set()
    work.assert_counted(again)
    await work.assert_kept()


async def test_an_exporter_recovers_by_itself_and_the_page_answers_meanwhile(
    postgres: EmbeddedPostgres, address: str, watch: Watch
) -> None:
    work, exporter = Work(address), watch(source(address))
    async with exporter.running():
        await exporter.until(lambda page: page.value(metrics.UP) == 1 and not failing(page))
        await work.goes_on()

        postgres.crash()
        down = await exporter.until(lambda page: page.value(metrics.UP) == 0 and failing(page) >= QUEUE)
        postgres.start_again()
        await work.goes_on()
        counted = await exporter.until(lambda page: sum(page.by("job_type", metrics.RUNS).values()) >= work.runs)

    assert down.select(metrics.JOBS) == []
    work.assert_counted(counted)
    await work.assert_kept()


async def test_a_database_that_takes_no_writes_is_read_and_what_was_counted_is_written_when_it_may_be(
    migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    work, exporter = Work(migrated), watch(source(migrated))
    await forbid_writing(queue)
    await exporter.poll()
    await work.goes_on()

    page = await exporter.poll()

    assert page.value(metrics.UP) == 1
    assert failing(page) == {"store"}
    work.assert_counted(page)

    await allow_writing(queue)
    await work.goes_on()
    page = await exporter.poll(rounds=2)

    assert failing(page) == set()
    work.assert_counted(page)
    await work.assert_kept()


async def test_a_database_that_takes_no_writes_for_a_while_gets_everything_afterwards(
    migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    work, exporter = Work(migrated), watch(source(migrated))
    await exporter.poll()
    await work.goes_on()
    work.assert_counted(await exporter.poll())

    await forbid_writing(queue)
    await exporter.poll()
    for _ in range(3):
        await work.goes_on()
        page = await exporter.poll()

        assert failing(page) == {"store"}
        work.assert_counted(page)

    await allow_writing(queue)
    for _ in range(3):
        page = await exporter.poll()

        assert failing(page) == set()
        work.assert_counted(page)
    await work.assert_kept()


@pytest.mark.parametrize("table", OF_TABLE)
async def test_without_one_grant_only_what_needs_it_fails_and_it_recovers(
    migrated: str, role: str, queue: AsyncConnection, watch: Watch, table: str
) -> None:
    work, exporter, user = Work(migrated), watch(source(role)), urlsplit(role).username
    await populate(queue)
    await put(queue, "jobs", job_type="email.send", run_after=ago(1))
    assert_served(await exporter.poll(rounds=2), without=set())

    await queue.execute(f"REVOKE SELECT ON {table} FROM {user}")
    await work.goes_on()
    page = await exporter.poll()

    assert page.value(metrics.UP) == 1
    assert_served(page, without=OF_TABLE[table])

    await queue.execute(
        "\n".join(
            grants([source(role)], str(user), *(f"{name}_{queue.info.dbname}" for name in ("control", "grafana")))
        ).encode()
    )
    for _ in range(3):
        page = await exporter.poll()

        assert_served(page, without=set())
        assert sum(page.by("job_type", metrics.RUNS).values()) == work.runs


async def test_without_the_right_to_write_everything_but_the_memory_works(
    migrated: str, role: str, queue: AsyncConnection, watch: Watch
) -> None:
    work, exporter, user = Work(migrated), watch(source(role)), urlsplit(role).username
    await queue.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA system_status FROM {user}")
    await exporter.poll()
    await work.goes_on()

    page = await exporter.poll()

    assert page.value(metrics.UP) == 1
    assert failing(page) == {"store"}
    work.assert_counted(page)


async def test_what_our_tables_knew_is_shown_when_they_may_be_read_again(
    migrated: str, role: str, queue: AsyncConnection, watch: Watch
) -> None:
    user = urlsplit(role).username
    await finish(queue, [job("email.send", finished=7200 + number) for number in range(9)])
    await watch(source(migrated)).poll()
    await queue.execute("DELETE FROM ascent.jobs")  # as the janitor does
    await queue.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA system_status FROM {user}")
    exporter = watch(source(role))

    forgetful = await exporter.poll()
    await queue.execute("\n".join(store_grants(str(user))).encode())
    page = await exporter.poll(rounds=2)

    assert forgetful.select(metrics.DAY_RUNS) == []
    assert page.value(metrics.DAY_RUNS, job_type="email.send") == 9
    assert page.value(metrics.RUNS, job_type="email.send") == 0  # they were counted in another life


async def test_counting_begins_without_our_tables_and_fills_them_when_they_are_made(
    database: str, watch: Watch
) -> None:
    work, exporter = Work(database), watch(source(database))
    await exporter.poll()
    for _ in range(2):
        await work.goes_on()
        page = await exporter.poll()

        assert failing(page) == {"store"}
        work.assert_counted(page)

    await asyncio.to_thread(migrate, [source(database)], lambda line: None)
    for _ in range(3):
        page = await exporter.poll()

        assert failing(page) == set()
        work.assert_counted(page)
        await work.assert_kept()
        await work.goes_on()
    await exporter.poll()
    await work.assert_kept()
    restarted = await watch(source(database)).poll()
    assert sum(restarted.by("job_type", metrics.DAY_RUNS).values()) == work.runs


@pytest.mark.parametrize("table", ["ascent.jobs", "ascent.schedules", "ascent.workers"])
async def test_a_table_that_is_locked_costs_its_own_collectors_only_and_only_so_long(
    migrated: str, queue: AsyncConnection, watch: Watch, table: str
) -> None:
    work, exporter = Work(migrated), watch(source(migrated, statement_timeout=0.3))
    await populate(queue)
    await put(queue, "jobs", job_type="email.send", run_after=ago(1))
    assert_served(await exporter.poll(rounds=2), without=set())

    async with queue.transaction():
        await queue.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            page = await exporter.poll()
    await work.goes_on()
    after = await exporter.poll()

    assert page.value(metrics.UP) == 1
    assert_served(page, without=OF_TABLE[table])
    assert_served(after, without=set())
    assert sum(after.by("job_type", metrics.RUNS).values()) == work.runs
    # A lock takes none of the database's time: it is no reason to ask less often.
    intervals = {poller.name: poller.interval for poller in exporter.monitors[0].pollers}
    assert max(intervals.values()) < 60, intervals


async def test_a_scrape_is_answered_at_once_while_reads_hang(
    migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    work, exporter = Work(migrated), watch(source(migrated))
    await populate(queue)
    page = Page(Exposition(exporter.monitors))
    async with TestClient(TestServer(create_app(page, exporter.monitors))) as client, exporter.running():
        await exporter.until(lambda page: not failing(page))
        async with queue.transaction():
            await queue.execute("LOCK TABLE ascent.jobs IN ACCESS EXCLUSIVE MODE")
            longest = 0.0
            while not failing(await exporter.scrape()):
                began = monotonic()
                async with client.get("/metrics") as response:
                    assert response.status == 200
                longest = max(longest, monotonic() - began)
                await asyncio.sleep(0.02)
        await work.goes_on()
        counted = await exporter.until(lambda page: sum(page.by("job_type", metrics.RUNS).values()) >= work.runs)

    assert longest < 0.2
    assert sum(counted.by("job_type", metrics.RUNS).values()) == work.runs


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter_database, "CONNECT_TIMEOUT_SECONDS", 2)
    monkeypatch.setattr(exporter_database, "_SILENT_SECONDS", 0.5)
    monkeypatch.setattr(exporter_database, "_REFUSED_FOR_SECONDS", 5.0)


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_takes_connections_and_says_nothing_costs_one_time_out(migrated: str, watch: Watch) -> None:
    async with Wire(migrated).strung() as wire:
        wire.alive.clear()
        exporter = watch(source(wire.address))
        page = await exporter.poll()

    assert page.value(metrics.UP) == 0
    assert failing(page) >= QUEUE
    assert wire.connections <= 2  # one for the queue, one for our tables: whoever waits for a time-out has connected


@pytest.mark.usefixtures("impatient")
async def test_a_line_that_goes_dead_is_given_up_and_nothing_is_counted_twice(
    migrated: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Wire(migrated).strung() as wire:
        work, exporter = Work(migrated), watch(source(wire.address))
        await exporter.poll()
        await work.goes_on()
        work.assert_counted(await exporter.poll())

        wire.alive.clear()
        await work.goes_on()
        async with asyncio.timeout(PATIENCE):
            dead = await exporter.poll()
        wire.alive.set()
        monkeypatch.setattr(exporter_database, "_REFUSED_FOR_SECONDS", 0.0)
        await exporter.poll()
        alive = await exporter.poll()

    assert dead.value(metrics.UP) == 0
    assert failing(dead) >= QUEUE
    assert failing(alive) == set()
    work.assert_counted(alive)
    await work.assert_kept()


async def test_a_read_that_takes_too_long_is_given_up_and_asked_less_often(
    migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    exporter = watch(source(migrated, statement_timeout=0.2))
    await populate(queue)
    await queue.execute("ALTER TABLE ascent.schedules RENAME TO quick_schedules")
    await queue.execute(
        "CREATE VIEW ascent.schedules AS SELECT quick.* FROM ascent.quick_schedules AS quick, pg_sleep(60)"
    )
    page = await exporter.poll(rounds=3)

    intervals = {poller.name: poller.interval for poller in exporter.monitors[0].pollers}
    await queue.execute("DROP VIEW ascent.schedules")
    await queue.execute("ALTER TABLE ascent.quick_schedules RENAME TO schedules")
    after = await exporter.poll()

    assert failing(page) == {"schedules"}
    assert page.select(metrics.SCHEDULE_INFO) == []
    assert intervals.pop("schedules") > 60
    assert max(intervals.values()) < 60
    assert failing(after) == set()
    assert after.select(metrics.SCHEDULE_INFO)


def with_tables_at(address: str, queue: str) -> Source:
    """A source whose tables are elsewhere, in a database in which its name stood for another queue."""
    apart = source(queue, store_dsn=SecretStr(address))
    migrate([apart], lambda line: None, forgotten=[apart.name])
    return apart


async def test_our_tables_elsewhere_may_be_down_while_the_queue_is_read(
    postgres: EmbeddedPostgres, address: str, migrated: str, watch: Watch
) -> None:
    work, exporter = Work(migrated), watch(with_tables_at(address, migrated))
    await exporter.poll()
    await work.goes_on()
    postgres.stop()
    for _ in range(2):
        page = await exporter.poll()

        assert page.value(metrics.UP) == 1
        assert failing(page) == {"store"}
        work.assert_counted(page)
        await work.goes_on()

    postgres.start_again()
    for _ in range(2):
        page = await exporter.poll()

        assert failing(page) == set()
        work.assert_counted(page)
    await work.assert_kept(address)


async def test_our_tables_elsewhere_that_cannot_be_reached_at_the_start_are_what_is_named(
    postgres: EmbeddedPostgres, address: str, migrated: str, watch: Watch
) -> None:
    work, exporter = Work(migrated), watch(with_tables_at(address, migrated))
    postgres.stop()
    page = await exporter.poll()

    assert page.value(metrics.UP) == 1
    assert failing(page) == {"store", "runs", "finished"}

    postgres.start_again()
    await exporter.poll()
    await work.goes_on()
    page = await exporter.poll()

    assert failing(page) == set()
    work.assert_counted(page)
    await work.assert_kept(address)
