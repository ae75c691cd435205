"""An engine's tables may stand in another schema than its own, or in partitions."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from demo.engines.procrastinate.app import app
from jobqueue import catalogue as metrics
from jobqueue.engine import Cleanup
from jobqueue.engines import open_engine
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.exporter.scrape import Exporter, Scrape, source


@pytest.fixture
def partitioned(server: Server, template_of: Callable[[str], str]) -> Iterator[str]:
    name = server.create_database(template_of("pgboss"))
    yield server.url(name)
    server.drop_database(name)


async def page_of(address: str, engine: str, schema: str | None = None) -> Scrape:
    exporter = Exporter(source(address, engine=engine, schema=schema))
    try:
        return await exporter.poll()
    finally:
        await exporter.close()


async def test_a_procrastinate_queue_in_a_schema_of_its_own_is_read_and_changed(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as conn:
        conn.execute('CREATE SCHEMA "the Queue"')
    inside = app(make_conninfo(empty_database, options='-c search_path="the\\ Queue"'), ["mail"])
    async with inside.open_async():
        await inside.schema_manager.apply_schema_async()
        await inside.tasks["mail"].defer_async(pause=0.0)
    migrate([source(empty_database, engine="procrastinate", schema="the Queue")], lambda line: None)

    page = await page_of(empty_database, "procrastinate", "the Queue")
    control = open_engine("procrastinate", "the Queue").control
    async with await AsyncConnection.connect(empty_database, autocommit=True) as conn:
        row = await (await conn.execute("SELECT now()")).fetchone()
        assert row
        async with conn.transaction():
            cancelled = await control.clean(conn, Cleanup.PENDING, row[0], 10, "")
        found = await (await conn.execute("SHOW search_path")).fetchone()

    assert page.value(metrics.JOBS, job_type="mail", state="pending") == 1
    assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1.0}
    assert cancelled == 1
    assert found == ('"$user", public',)


async def test_a_pgboss_queue_with_a_partition_of_its_own_is_read_and_changed_like_any(partitioned: str) -> None:
    with psycopg.connect(partitioned, autocommit=True) as conn:
        conn.execute('SELECT pgboss.create_queue(\'own\', \'{"policy": "standard", "partition": true}\')')
        conn.execute("INSERT INTO pgboss.job (name) VALUES ('own'), ('mail')")
        conn.execute("INSERT INTO pgboss.job (name, state, completed_on) VALUES ('own', 'failed', now())")
        assert conn.execute("SELECT count(*) FROM ONLY pgboss.job_common").fetchone() == (1,)

    page = await page_of(partitioned, "pgboss")
    control = open_engine("pgboss", None).control
    async with await AsyncConnection.connect(partitioned, autocommit=True) as conn:
        row = await (await conn.execute("SELECT now()")).fetchone()
        assert row
        cancelled = await control.clean(conn, Cleanup.PENDING, row[0], 10, "")

    for job_type, state in (("own", "pending"), ("own", "failed"), ("mail", "pending")):
        assert page.value(metrics.JOBS, job_type=job_type, state=state) == 1
    assert cancelled == 2
