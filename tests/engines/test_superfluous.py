"""Which indexes of ours can go, since the engine has its own now; and which can't."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import AsyncConnection

from jobqueue.engines import open_engine
from jobqueue.engines.superfluous import superfluous_indexes
from tests.conftest import Server
from tests.engines.drivers import pgboss

KEPT = {
    "other columns": "CREATE INDEX {name} ON ascent.jobs (job_type)",
    "another order of columns": "CREATE INDEX {name} ON ascent.jobs (finished_at, state) WHERE finished_at IS NOT NULL",
    "another sort order": "CREATE INDEX {name} ON ascent.jobs (state DESC, finished_at) WHERE finished_at IS NOT NULL",
    "more rows": "CREATE INDEX {name} ON ascent.jobs (state, finished_at)",
    "more columns": "CREATE INDEX {name} ON ascent.jobs (state, finished_at, id) WHERE finished_at IS NOT NULL",
    "columns beside the key": "CREATE INDEX {name} ON ascent.jobs (state) INCLUDE (id) WHERE finished_at IS NOT NULL",
    "a promise": "CREATE UNIQUE INDEX {name} ON ascent.workers (id)",
    "an expression": "CREATE INDEX {name} ON ascent.jobs (lower(job_type))",
    "another method": "CREATE INDEX {name} ON ascent.jobs USING hash (id)",
    "another comparison": "CREATE INDEX {name} ON ascent.workers (id text_pattern_ops)",
}
SERVED = {
    "the same": (
        "CREATE INDEX {name} ON ascent.jobs (state, finished_at) WHERE finished_at IS NOT NULL",
        "jobs_finished",
    ),
    "fewer columns": ("CREATE INDEX {name} ON ascent.jobs (state) WHERE finished_at IS NOT NULL", "jobs_finished"),
    "fewer rows than all": ("CREATE INDEX {name} ON ascent.jobs (id) WHERE id > 7", "jobs_pkey"),
}


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.mark.parametrize("why", KEPT)
async def test_an_index_that_does_more_is_kept(conn: AsyncConnection, why: str) -> None:
    await conn.execute(KEPT[why].format(name="system_status_x").encode())

    assert await superfluous_indexes(open_engine("ascent", None), conn) == []


@pytest.mark.parametrize("how", SERVED)
async def test_an_index_that_another_serves_as_well_is_named_and_can_be_removed(
    conn: AsyncConnection, how: str
) -> None:
    made, served_by = SERVED[how]
    await conn.execute(made.format(name="system_status_x").encode())
    [found] = await superfluous_indexes(open_engine("ascent", None), conn)
    assert (found.name, found.table, found.served_by) == ("system_status_x", "jobs", served_by)

    await conn.execute(found.remove)

    assert await superfluous_indexes(open_engine("ascent", None), conn) == []


async def test_an_index_that_is_not_valid_serves_nobody(conn: AsyncConnection) -> None:
    await conn.execute(SERVED["the same"][0].format(name="system_status_x").encode())
    await conn.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ascent.jobs_finished'::regclass")

    assert await superfluous_indexes(open_engine("ascent", None), conn) == []


async def test_ours_on_pgboss_are_needed_before_its_own_come_and_superfluous_then(empty: str) -> None:
    engine = open_engine("pgboss", None)
    await pgboss.install(empty, "pg-boss-12.31")
    async with await AsyncConnection.connect(empty, autocommit=True) as admin:
        for index in engine.indexes:
            await admin.execute(index.definition)
        assert await superfluous_indexes(engine, admin) == []
    with psycopg.connect(empty, autocommit=True) as fresh:
        fresh.execute("DROP SCHEMA pgboss CASCADE")

    await pgboss.install(empty)
    async with await AsyncConnection.connect(empty, autocommit=True) as admin:
        for index in engine.indexes:
            await admin.execute(index.definition)
        found = await superfluous_indexes(engine, admin)
        for each in found:
            await admin.execute(each.remove)

    assert {each.name: each.served_by for each in found} == {
        "system_status_live": "job_common_i14",
        "system_status_created": "job_common_i15",
        "system_status_finished": "job_common_i16",
    }
