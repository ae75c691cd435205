"""A source that is a read replica: counted from the standby, kept on the primary, exact however far it lags."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.errors import ReadOnlySqlTransaction
from pydantic import SecretStr

import exporter.replay as exporter_replay
from exporter.database import Database
from exporter.replay import Replay
from exporter.source import SourceMonitor
from jobqueue import catalogue as metrics
from jobqueue.config import Source
from jobqueue.states import LIVE
from jobqueue.tables.connection import MigrationError
from jobqueue.tables.migrate import migrate
from tests.exporter.conftest import watch
from tests.exporter.scrape import Watch, source
from tests.pgbouncer import MODES, pooled
from tests.standby import Pair, replicated
from tests.waiting import until

__all__ = ["watch"]
FINISH = """
INSERT INTO ascent.jobs (job_type, state, started_at, finished_at)
SELECT 'work', 'completed', clock_timestamp() - interval '1 s', clock_timestamp() FROM generate_series(1, %s)
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.fixture
def reader(pair: Pair) -> Iterator[str]:
    """The standby for a role that may log in, and nothing else."""
    pair.execute("CREATE ROLE looks LOGIN")
    parts = urlsplit(pair.standby.url("app"))
    yield parts._replace(netloc=f"looks@{parts.netloc.rpartition('@')[2]}").geturl()
    pair.execute("DROP ROLE looks")


@pytest.fixture
async def monitor(pair: Pair) -> AsyncIterator[SourceMonitor]:
    source = Source(
        name="main",
        dsn=SecretStr(pair.standby.url("app")),
        store_dsn=SecretStr(pair.primary.url("app")),
        poll_interval=1.0,
    )
    migrate([source], lambda line: None)
    monitor = SourceMonitor(source, lambda: None)
    yield monitor
    await monitor.close()


async def test_what_a_lagging_standby_replays_late_is_counted_once(pair: Pair, monitor: SourceMonitor) -> None:
    pair.execute(FINISH, 3)
    await until(pair.is_replayed)
    await monitor.poll_once()
    assert monitor.failing() == []

    pair.replay("pause")
    await monitor.poll_once()
    anchor = anchor_of(pair)
    pair.execute(FINISH, 5)
    for _ in range(2):
        await monitor.poll_once()
    assert counted(pair) == 3
    # What isn't replayed isn't read: the lag, however long, is no lateness of a commit.
    assert anchor_of(pair) == anchor
    pair.replay("resume")
    await until(pair.is_replayed)
    await monitor.poll_once()

    assert counted(pair) == 8


async def test_an_idle_primary_is_no_lag_and_a_primary_has_none(pair: Pair, reader: str) -> None:
    await until(pair.is_replayed)
    assert await looked(reader) == timedelta()
    assert await looked(pair.primary.url("app")) is None


async def test_a_role_without_any_monitoring_right_sees_a_paused_replay_and_its_end(pair: Pair, reader: str) -> None:
    await until(pair.is_replayed)
    replay, queue = Replay(), Database(reader, 5, read_only=True)
    async with queue:
        async with queue.transaction() as conn:
            assert await replay.look(conn) == timedelta()
        pair.replay("pause")
        pair.execute(FINISH, 1)
        await until(lambda: received(pair))
        lags = [await looked_by(replay, queue), await looked_by(replay, queue)]
        pair.replay("resume")
        await until(pair.is_replayed)
        async with queue.transaction() as conn:
            assert await replay.look(conn) == timedelta()

    first, second = (lag or timedelta() for lag in lags)
    assert timedelta() < first < second


async def test_a_receiver_that_is_cut_is_a_lag(pair: Pair, reader: str) -> None:
    await until(pair.is_replayed)
    with psycopg.connect(pair.standby.url("postgres"), autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'")
        conn.execute("SELECT pg_reload_conf()")
        await until(lambda: conn.execute("SELECT FROM pg_stat_wal_receiver").fetchone() is None)
        try:
            assert (await looked(reader) or timedelta()) > timedelta()
        finally:
            conn.execute("ALTER SYSTEM RESET primary_conninfo")
            conn.execute("SELECT pg_reload_conf()")
        await until(lambda: conn.execute("SELECT FROM pg_stat_wal_receiver").fetchone() is not None)
        await until(pair.is_replayed)
    assert await looked(reader) == timedelta()


async def test_beyond_the_bound_the_present_is_absent_with_its_reason_and_runs_are_counted(
    pair: Pair, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_standby = source(pair.standby.url("app"), store_dsn=SecretStr(pair.primary.url("app")))
    migrate([of_standby], lambda line: None)
    pair.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES ('tick', '* * * * *') ON CONFLICT DO NOTHING")
    pair.execute("INSERT INTO ascent.jobs (job_type) VALUES ('work')")
    await until(pair.is_replayed)
    exporter = watch(of_standby)
    well = await exporter.poll(rounds=2)

    monkeypatch.setattr(exporter_replay, "BOUND", timedelta())
    pair.replay("pause")
    pair.execute(FINISH, 2)
    await until(lambda: received(pair))
    behind = await exporter.poll()
    pair.replay("resume")
    await until(pair.is_replayed)
    monkeypatch.undo()
    again = await exporter.poll(rounds=2)

    assert (behind.value(metrics.REPLAY_LAG) or 0.0) > 0
    assert behind.by("collector", metrics.COLLECTOR_FAILING, reason="lagging") == dict.fromkeys(
        ("live", "ready", "active", "workers", "schedules"), 1.0
    )
    assert behind.value(metrics.UP) == 1
    for metric in (metrics.OLDEST_READY, metrics.WORKER_INFO, metrics.SCHEDULE_MISSED):
        assert behind.select(metric) == []
    assert [labels for labels, _ in behind.select(metrics.JOBS) if labels["state"] in LIVE] == []
    assert behind.by("job_type", metrics.RUNS) == well.by("job_type", metrics.RUNS)
    assert again.by("job_type", metrics.RUNS)["work"] == well.by("job_type", metrics.RUNS).get("work", 0.0) + 2
    assert again.select(metrics.COLLECTOR_FAILING) == []


async def test_ticks_and_heartbeats_are_judged_as_of_the_moment_that_the_standby_knows(
    pair: Pair, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the replay were three hours behind: the tick and the heartbeat of three hours ago are the newest ones."""
    of_standby = source(pair.standby.url("app"), store_dsn=SecretStr(pair.primary.url("app")))
    migrate([of_standby], lambda line: None)
    pair.execute(
        "INSERT INTO ascent.schedules (job_type, cron, last_enqueued_at) VALUES ('hourly', '0 * * * *', "
        "date_trunc('hour', now() - interval '3 h')) ON CONFLICT DO NOTHING"
    )
    pair.execute("INSERT INTO ascent.workers (id, mode, last_seen_at) VALUES ('w', 'all', now() - interval '3 h')")
    await until(pair.is_replayed)
    exporter = watch(of_standby)
    unaware = await exporter.poll()
    monkeypatch.setattr(Replay, "lag", AsyncMock(return_value=timedelta(hours=3)))
    aware = await watch(of_standby).poll()
    pair.execute("DELETE FROM ascent.schedules; DELETE FROM ascent.workers")

    assert (unaware.value(metrics.SCHEDULE_MISSED, job_type="hourly") or 0) >= 2
    assert aware.value(metrics.SCHEDULE_MISSED, job_type="hourly") == 0
    assert (unaware.value(metrics.WORKER_ONLINE, worker="w"), aware.value(metrics.WORKER_ONLINE, worker="w")) == (0, 1)


def test_a_migrate_on_a_standby_alone_says_where_the_tables_go(pair: Pair) -> None:
    with pytest.raises(MigrationError, match=r"main: .*a standby takes no tables: .*STORE_DATABASE_URL"):
        migrate([source(pair.standby.url("app"))], lambda line: None)


async def test_the_store_on_a_standby_is_read_and_refuses_with_its_reason(pair: Pair, watch: Watch) -> None:
    of_standby = source(pair.standby.url("app"))
    migrate([source(pair.standby.url("app"), store_dsn=SecretStr(pair.primary.url("app")))], lambda line: None)
    await until(pair.is_replayed)
    page = await watch(of_standby).poll(rounds=2)

    assert page.by("collector", metrics.COLLECTOR_FAILING, reason="read_only") == {"store": 1.0}
    assert page.value(metrics.UP) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_a_standby_behind_a_pooler_is_known_as_one(pair: Pair, watch: Watch, mode: str) -> None:
    await until(pair.is_replayed)
    async with pooled(pair.standby.url("app"), mode) as behind:
        page = await watch(source(behind)).poll(rounds=2)
        async with Database(behind, 5, read_only=False) as store, store.transaction() as conn:
            with pytest.raises(ReadOnlySqlTransaction):
                await conn.execute("CREATE TABLE ascent.no (n int)")

    assert page.value(metrics.REPLAY_LAG) == 0
    assert page.by("collector", metrics.COLLECTOR_FAILING, reason="read_only") == {"store": 1.0}


async def looked(address: str) -> timedelta | None:
    async with Database(address, 5, read_only=True) as queue:
        return await looked_by(Replay(), queue)


async def looked_by(replay: Replay, queue: Database) -> timedelta | None:
    async with queue.transaction() as conn:
        return await replay.look(conn)


def received(pair: Pair) -> bool:
    """Whether the standby has got everything that the primary wrote, replayed or not."""
    with psycopg.connect(pair.primary.url("app")) as conn:
        written = conn.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
    with psycopg.connect(pair.standby.url("app")) as conn:
        return conn.execute("SELECT pg_last_wal_receive_lsn() >= %s", written).fetchone() == (True,)


def anchor_of(pair: Pair) -> datetime:
    with psycopg.connect(pair.primary.url("app")) as conn:
        row = conn.execute("SELECT polled_at FROM system_status.sources").fetchone()
        assert row
        polled_at: datetime = row[0]
        return polled_at


def counted(pair: Pair) -> int:
    with psycopg.connect(pair.primary.url("app")) as conn:
        row = conn.execute("SELECT coalesce(sum(runs), 0) FROM system_status.run_minutes").fetchone()
        return int(row[0]) if row else 0
