"""A schema's name with capitals: it is read as it is, and another one's capitals are found out."""

from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, sql

from demo.engines.pgboss.boss import boss
from jobqueue import catalogue as metrics
from jobqueue.check import look_at_source
from jobqueue.config import Source
from jobqueue.engines import open_engine
from jobqueue.tables.migrate import migrate
from tests.exporter.scrape import Exporter, source


async def complaints(queue: Source) -> str:
    return "\n".join(finding.text for finding in (await look_at_source(queue)).findings)


async def make(address: str, schema: str, package: str) -> None:
    async with boss(address, {"schedule": False, "schema": schema}, package) as client:
        await client.call("createQueue", "mail")
        await client.call("schedule", "mail", "0 6 * * *")
        await client.call("send", "mail", {})


@pytest.mark.parametrize("package", ["pg-boss", "pg-boss-12.31"])
@pytest.mark.parametrize("written", ["BossX", '"BossX"'])
async def test_a_pgboss_queue_is_read_and_changed_in_the_schema_that_pgboss_makes(
    empty_database: str, written: str, package: str
) -> None:
    await make(empty_database, written, package)
    there, other = ("BossX", "bossx") if '"' in written else ("bossx", "BossX")
    queue = source(empty_database, engine="pgboss", schema=there)
    migrate([queue], lambda line: None)

    exporter = Exporter(queue)
    try:
        page = await exporter.poll()
    finally:
        await exporter.close()
    control = open_engine("pgboss", there).control
    async with await AsyncConnection.connect(empty_database) as conn:
        await control.run_now(conn, "mail")

    assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1.0}
    assert page.value(metrics.JOBS, job_type="mail", state="pending") == 1
    with psycopg.connect(empty_database) as conn_:
        count = sql.SQL("SELECT count(*) FROM {}.job").format(sql.Identifier(there))
        assert conn_.execute(count).fetchone() == (2,)
        assert conn_.execute("SELECT count(*) FROM system_status.recent_jobs").fetchone() is not None
    said = await complaints(source(empty_database, engine="pgboss", schema=other))
    assert f"no pgboss queue in schema {other}" in said
    assert f"Found here: pgboss in schema {there}; capitals count" in said
    assert "Found here" not in await complaints(queue)


async def test_other_capitals_are_found_out_in_every_engine(address: str, driver: Any, kind: str) -> None:
    engine = open_engine(driver.engine, None)
    loud = engine.schema.upper()
    with psycopg.connect(address, autocommit=True) as conn:
        rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
        conn.execute(rename.format(sql.Identifier(engine.schema), sql.Identifier(loud)))

    said = await complaints(source(address, engine=driver.engine))

    assert f"no {engine.name} queue in schema {engine.schema}" in said
    assert f"{engine.name} in schema {loud}; capitals count" in said
