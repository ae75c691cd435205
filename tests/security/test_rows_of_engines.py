"""Texts of a megabyte in the tables of each engine, made by its own package."""

from collections.abc import Iterator, Mapping

import psycopg
import pytest
from psycopg import AsyncConnection

from demo.postgres import EmbeddedPostgres
from jobqueue import catalogue as metrics
from jobqueue.engine import Cleanup
from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.engines.conftest import ALL, address, template_of, watch
from tests.exporter.scrape import Watch, source

__all__ = ["address", "template_of", "watch"]

SMALL = 300_000
"""Bytes of a page, of which most is the bounds of our histograms."""

UNCHECKED = """
DO $do$ DECLARE found record; BEGIN
  FOR found IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                WHERE contype IN ('c', 'u', 'f') AND conrelid <> 0 AND conparentid = 0
                  AND connamespace = (SELECT relnamespace FROM pg_class WHERE oid = '{table}'::regclass) LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', found.place, found.conname);
  END LOOP;
  FOR found IN SELECT indexrelid::regclass AS place FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                WHERE NOT relispartition AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
                  AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = '{table}'::regclass) LOOP
    EXECUTE format('DROP INDEX IF EXISTS %s', found.place);
  END LOOP;
END $do$
"""
"""Whoever owns the tables can take away what keeps names short, and indexes, which hold no megabyte."""

ROWS: Mapping[str, tuple[str, str]] = {
    "oban-python": (
        "oban_jobs",
        """
        INSERT INTO oban_jobs (worker, queue, state, attempt, attempted_by, attempted_at, meta, args)
        SELECT repeat('w', 1000000) || n, repeat('q', 1000000), 'executing', 1, array[repeat('n', 1000000), 'x'], now(),
               jsonb_build_object('cron', true, 'more', repeat('m', 1000000)),
               jsonb_build_object('a', repeat('a', 1000000))
          FROM generate_series(1, 30) AS n;
        INSERT INTO oban_producers (uuid, name, node, queue)
        SELECT gen_random_uuid(), 'oban', repeat('n', 1000000), repeat('q', 1000000) FROM generate_series(1, 30)""",
    ),
    "river": (
        "river_job",
        """
        INSERT INTO river_job (kind, state, args, attempt, attempted_at, metadata)
        SELECT repeat('k', 1000000) || n, 'running', '{}', 1, now(),
               jsonb_build_object('periodic', true, 'more', repeat('m', 1000000))
          FROM generate_series(1, 30) AS n""",
    ),
    "pgqueuer": (
        "pgqueuer",
        """
        INSERT INTO pgqueuer (priority, entrypoint, status, updated)
        SELECT 0, repeat('e', 1000000) || n, 'picked', now() - interval '1 hour' FROM generate_series(1, 30) AS n;
        INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run)
        SELECT repeat('*', 1000000) || n, repeat('e', 1000000) || n % 2, now() FROM generate_series(1, 30) AS n""",
    ),
    "graphile-unrecorded": (
        "graphile_worker._private_tasks",
        """
        INSERT INTO graphile_worker._private_tasks (identifier)
        SELECT repeat('t', 1000000) || n FROM generate_series(1, 30) AS n;
        INSERT INTO graphile_worker._private_jobs (task_id, locked_at, locked_by)
        SELECT id, now(), repeat('b', 1000000) FROM graphile_worker._private_tasks""",
    ),
    "pgboss": (
        "pgboss.schedule",
        """
        INSERT INTO pgboss.schedule (name, key, cron, timezone, options)
        SELECT 'queue', n::text, repeat('*', 1000000), repeat('z', 1000000),
               jsonb_build_object('more', repeat('o', 10000000)) FROM generate_series(1, 30) AS n;
        INSERT INTO pgboss.instance (id, host, pid, version, node_version, heartbeat_seconds, supervise, schedule,
                                     migrate, persist_queue_stats, persist_warnings, workers)
        SELECT gen_random_uuid(), repeat('h', 1000000), n, repeat('v', 1000000), '22', 60, true, true, true, true, true,
               jsonb_build_array(jsonb_build_object('queue', repeat('q', 1000000), 'active', 1))
          FROM generate_series(1, 30) AS n""",
    ),
}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The embedded one alone: what is tried here is SQL of the engines' own, and made for each server anew."""
    with EmbeddedPostgres.start() as embedded:
        yield Server(embedded.url("postgres"))


@pytest.fixture(params=ROWS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_a_megabyte_in_a_text_of_any_engine_is_cut(kind: str, address: str, watch: Watch) -> None:
    table, rows = ROWS[kind]
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute(UNCHECKED.format(table=table).encode())
        conn.execute(rows.encode())
    exporter = watch(source(address, engine=ALL[kind].engine, statement_timeout=60))

    await exporter.poll()
    page = await exporter.text()

    assert len(page.encode()) < SMALL
    for monitor in exporter.monitors:
        assert monitor.failing() == []
    control = open_engine(ALL[kind].engine, None).control
    async with await AsyncConnection.connect(address, autocommit=True) as asking, asking.transaction():
        [now] = await (await asking.execute("SELECT now() + interval '1 minute'")).fetchone() or (None,)
        assert now
        if Cleanup.ACTIVE in control.cleanups and kind != "pgboss":
            concerned = await control.concerned(asking, Cleanup.ACTIVE, now, 1000)
            assert len(concerned) == 30
            assert {len(row.name or "") for row in concerned} == {500}
    assert metrics.UP.name in page
