"""The settings of a database change no figure, no order and no message of the programs."""

import psycopg
import pytest
from psycopg import sql

from tests.control_api.service import serving
from tests.exporter.scrape import Exporter, source


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DateStyle", "SQL, DMY"),
        ("DateStyle", "German"),
        ("IntervalStyle", "sql_standard"),
        ("IntervalStyle", "iso_8601"),
        ("default_transaction_isolation", "repeatable read"),
        ("default_transaction_isolation", "serializable"),
    ],
)
async def test_a_setting_of_the_database_stops_neither_program(migrated: str, name: str, value: str) -> None:
    with psycopg.connect(migrated, autocommit=True) as owner:
        database = sql.Identifier(owner.info.dbname)
        owner.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.Identifier(name.lower()), value))
        owner.execute(
            "INSERT INTO ascent.schedules (job_type, cron, expire_after) VALUES ('mail', '* * * * *', '1 hour')"
        )
        owner.execute("INSERT INTO ascent.workers (id, mode, version) VALUES ('w', 'all', '1')")
    exporter = Exporter(source(migrated))
    try:
        page = await exporter.poll(rounds=2)
    finally:
        await exporter.close()
    async with serving({"main": migrated}) as served:
        ran = await served.post("/control/main/run", data={"request_id": "r1", "job_type": "mail"})
        cleaned = await served.post("/control/main/janitor", data={"request_id": "r2"})
        shown = [(await served.get(path)).status for path in ("/control/", "/control/audit", "/control/main/janitor")]

    assert set(page.by("collector", "jobqueue_collector_success").values()) == {1.0}
    assert (ran.status, cleaned.status, shown) == (200, 200, [200, 200, 200])
