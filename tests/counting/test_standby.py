"""A source that is a read replica: counted from the standby, kept on the primary, exact however far it lags."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import psycopg
import pytest
from pydantic import SecretStr

from exporter.source import SourceMonitor
from jobqueue.config import Source
from jobqueue.tables.migrate import migrate
from tests.standby import Pair, replicated
from tests.waiting import until

FINISH = """
INSERT INTO ascent.jobs (job_type, state, started_at, finished_at)
SELECT 'work', 'completed', clock_timestamp() - interval '1 s', clock_timestamp() FROM generate_series(1, %s)
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


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
