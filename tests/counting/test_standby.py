"""A source that is a read replica: counted from the standby, kept on the primary, exact however far it lags."""

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from demo.postgres import EmbeddedPostgres
from exporter.source import SourceMonitor
from jobqueue.config import Source
from jobqueue.tables.migrate import migrate
from tests.waiting import until

_SCHEMA = Path(__file__).parents[2] / "jobqueue/engines/ascent/schema.sql"
FINISH = """
INSERT INTO ascent.jobs (job_type, state, started_at, finished_at)
SELECT 'work', 'completed', clock_timestamp() - interval '1 s', clock_timestamp() FROM generate_series(1, %s)
"""


@dataclass
class Pair:
    primary: EmbeddedPostgres
    standby: EmbeddedPostgres

    def finish(self, jobs: int) -> None:
        with psycopg.connect(self.primary.url("app"), autocommit=True) as conn:
            conn.execute(FINISH, [jobs])

    def replay(self, command: str) -> None:
        with psycopg.connect(self.standby.url("app"), autocommit=True) as conn:
            conn.execute(f"SELECT pg_wal_replay_{command}()".encode())

    def anchor(self) -> datetime:
        with psycopg.connect(self.primary.url("app")) as conn:
            row = conn.execute("SELECT polled_at FROM system_status.sources").fetchone()
            assert row
            polled_at: datetime = row[0]
            return polled_at

    def counted(self) -> int:
        with psycopg.connect(self.primary.url("app")) as conn:
            row = conn.execute("SELECT coalesce(sum(runs), 0) FROM system_status.run_minutes").fetchone()
            return int(row[0]) if row else 0


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with tempfile.TemporaryDirectory(prefix="standby-") as folder, EmbeddedPostgres.start() as primary:
        Path(folder).chmod(0o711)  # the server may run as somebody else
        with psycopg.connect(primary.create_database("app"), autocommit=True) as conn:
            conn.execute(_SCHEMA.read_bytes())
        primary.stop()
        copy = Path(folder) / "copy"
        subprocess.run(["cp", "-a", primary.directory, copy], check=True)
        primary.start_again()
        conf = copy / "data/postgresql.conf"
        conf.write_text(conf.read_text().replace(str(primary.directory), str(copy)))
        (copy / "data/standby.signal").touch()
        conninfo = primary.url("postgres")
        with EmbeddedPostgres.start(copy, settings={"primary_conninfo": conninfo}) as standby:
            yield Pair(primary, standby)
        shutil.rmtree(copy, ignore_errors=True)


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
    pair.finish(3)
    await until(lambda: pair_sees(pair, 3))
    await monitor.poll_once()
    assert monitor.failing() == []

    pair.replay("pause")
    await monitor.poll_once()
    anchor = pair.anchor()
    pair.finish(5)
    for _ in range(2):
        await monitor.poll_once()
    assert pair.counted() == 3
    # What isn't replayed isn't read: the lag, however long, is no lateness of a commit.
    assert pair.anchor() == anchor
    pair.replay("resume")
    await until(lambda: pair_sees(pair, 8))
    await monitor.poll_once()

    assert pair.counted() == 8


def pair_sees(pair: Pair, jobs: int) -> bool:
    with psycopg.connect(pair.standby.url("app")) as conn:
        return conn.execute("SELECT count(*) FROM ascent.jobs").fetchone() == (jobs,)
