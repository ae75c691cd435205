"""A database of any encoding is read, and text that a page can't hold takes one collector and no other source."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection, sql

from control_api.sources import ControlledSource
from exporter.collectors import Collector
from exporter.samples import Sample, Samples
from jobqueue import catalogue as metrics
from jobqueue.reasons import Reason
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.exporter.process import run
from tests.exporter.scrape import Watch, source
from tests.pgbouncer import MODES, pooled

SCHEMA = Path(__file__).parents[2] / "jobqueue/engines/ascent/schema.sql"
CREATE = "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'"
NAMES = {"SQL_ASCII": "caf\\xe9", "LATIN1": "café", "UTF8": "café"}
"""How a job type is shown that such a database holds, in Latin 1 where nothing says what it is."""


@pytest.fixture(params=NAMES)
def encoding(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def encoded(server: Server, encoding: str) -> Iterator[str]:
    """The address of a database of that encoding with one pending job and one schedule."""
    name = f"in_{encoding.lower()}"
    server.execute(sql.SQL(CREATE).format(sql.Identifier(name), sql.Literal(encoding)))
    with psycopg.connect(server.url(name), autocommit=True, client_encoding="LATIN1") as conn:
        conn.execute(SCHEMA.read_bytes())
    migrate([source(server.url(name))], lambda line: None)
    bytes_in = "SQL_ASCII" if encoding == "SQL_ASCII" else "LATIN1"
    with psycopg.connect(server.url(name), autocommit=True, client_encoding=bytes_in) as conn:
        conn.execute("INSERT INTO ascent.jobs (job_type) VALUES ('caf\xe9')".encode("latin1"))
        conn.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES ('caf\xe9', '0 9 * * *')".encode("latin1"))
    yield server.url(name)
    server.drop_database(name)


async def test_a_database_of_any_encoding_is_read_whole(encoding: str, encoded: str, watch: Watch) -> None:
    page = await watch(source(encoded)).poll(rounds=2)

    assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1}
    assert page.by("job_type", metrics.JOBS, state="pending") == {NAMES[encoding]: 1}
    assert page.by("job_type", metrics.SCHEDULE_VALID) == {NAMES[encoding]: 1}


@pytest.mark.parametrize("mode", MODES)
async def test_so_is_one_behind_a_pooler(encoding: str, encoded: str, watch: Watch, mode: str) -> None:
    async with pooled(encoded, mode) as behind:
        page = await watch(source(behind)).poll(rounds=2)

    assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1}
    assert page.by("job_type", metrics.JOBS, state="pending") == {NAMES[encoding]: 1}


@pytest.mark.usefixtures("encoding")
async def test_check_finds_the_indexes_of_a_database_of_any_encoding(encoded: str) -> None:
    ended = await run("--check", DATABASE_URL=encoded)

    assert (ended.code, ended.output) == (0, "main: ok\n")


async def test_the_control_api_reads_a_database_of_any_encoding(encoding: str, encoded: str) -> None:
    controlled = ControlledSource.open(source(encoded), read_only=True)
    async with controlled.pool, controlled.reading() as conn:
        [schedule] = (await controlled.engine.reader.schedules(conn)).rows

    assert schedule.job_type == NAMES[encoding]


class _Odd(Collector):
    """Reads something that isn't text in UTF-8."""

    name = "odd"
    share = 1.0

    def __init__(self, label: object) -> None:
        self._label = label

    async def collect(self) -> Samples:
        return (Sample(metrics.JOBS, (self._label, "pending"), 1),)  # type: ignore[arg-type]


@pytest.mark.parametrize("label", [b"bytes", "half a pair: \ud800", None], ids=["bytes", "surrogate", "nothing"])
async def test_a_label_that_no_page_can_hold_takes_its_collector_and_no_other(
    label: object, queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await queue.execute("INSERT INTO ascent.jobs (job_type) VALUES ('mail')")
    exporter = watch(source(migrated, "odd"), source(migrated, "well"))
    exporter.monitors[0].pollers[2].collector = _Odd(label)
    page = await exporter.poll()

    assert {name for name, ok in page.by("collector", metrics.COLLECTOR_SUCCESS, source="odd").items() if not ok} == {
        "odd"
    }
    assert page.value(metrics.COLLECTOR_FAILING, source="odd", collector="odd", reason=Reason.ENCODING) == 1
    assert page.by("job_type", metrics.JOBS, state="pending", source="well") == {"mail": 1}
