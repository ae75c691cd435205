"""The extremes that each engine's own tables take, in every column: no read fails, and what is healthy stays exact."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from psycopg import AsyncConnection, Error, sql

from control_api.desk import MOST_COUNTED
from jobqueue import catalogue as metrics
from jobqueue.config import Source
from jobqueue.engines import open_engine
from tests.engines.conftest import ALL
from tests.engines.drivers import Driver
from tests.exporter.scrape import Watch

HEALTHY = "healthy"
NAMES = ("", "\n", " ", "   ", "🧨", "__other__", "\x01", 'a",state="pending', "x" * 3_000, "long." * 20_000)
TIMES = (
    "infinity",
    "-infinity",
    "294276-12-31 23:59:59.999999+00",
    "4714-11-24 00:00:00+00 BC",
    "4713-01-01 BC",
    "0001-01-01",
    "9999-12-31 23:59:59",
)
JSON = ("{}", "[]", "null", "1", '"x"', "[1]", '{"priority": 1e100}', '{"periodic": true, "cron": true}')
EXTREMES: Mapping[str, tuple[str, ...]] = {
    "text": NAMES,
    "varchar": NAMES,
    "timestamp": TIMES,
    "timestamptz": TIMES,
    "int2": ("-32768", "32767", "0"),
    "int4": ("-2147483648", "2147483647", "0"),
    "int8": ("-9223372036854775808", "9223372036854775807", "0"),
    "jsonb": JSON,
}
"""By the type of a column."""
KEPT = {"id", "job_id", "task_id", "job_queue_id", "slot", "dedupe_key"}
"""Columns that tell rows apart, or point to others."""


@dataclass(frozen=True, slots=True)
class Extreme:
    """The tables of an engine."""

    table: str
    job_type: str
    states: tuple[Mapping[str, str], ...]
    """A row for each state, as SQL; the job type comes to it."""
    others: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """Rows of other tables."""
    since_an_hour: str = ""
    """Statement that has the healthy jobs, one that waits and one at work, do so for an hour."""
    one_more: str = ""
    """Statements by which one more has run."""


UTC = "timezone('UTC', now())"
TABLES: Mapping[str, Extreme] = {
    "ascent": Extreme(
        "ascent.jobs",
        "job_type",
        (
            {"state": "'pending'"},
            {"state": "'active'", "started_at": "now()"},
            {"state": "'retry'"},
            {"state": "'completed'", "started_at": "now()", "finished_at": "now()"},
            {"state": "'failed'", "started_at": "now()", "finished_at": "now()"},
        ),
        (
            ("ascent.workers", {"id": "'w'", "mode": "'all'"}),
            ("ascent.schedules", {"job_type": "'s'", "cron": "'@daily'"}),
        ),
        "UPDATE ascent.jobs SET created_at = now() - interval '1 h', run_after = now() - interval '1 h',"
        " started_at = started_at - interval '1 h'",
        "INSERT INTO ascent.jobs (job_type, state, started_at, finished_at)"
        " VALUES ('healthy', 'completed', now(), now())",
    ),
    "river": Extreme(
        "river_job",
        "kind",
        (
            {"args": "'{}'", "state": "'available'"},
            {"args": "'{}'", "state": "'running'", "attempt": "1", "attempted_at": "now()"},
            {"args": "'{}'", "state": "'retryable'", "attempt": "1", "attempted_at": "now()"},
            *(
                {
                    "args": "'{}'",
                    "state": f"'{state}'",
                    "attempt": "1",
                    "attempted_at": "now()",
                    "finalized_at": "now()",
                }
                for state in ("completed", "discarded", "cancelled")
            ),
        ),
        (("river_queue", {"name": "'q'", "updated_at": "now()"}),),
        "UPDATE river_job SET created_at = now() - interval '1 h', scheduled_at = now() - interval '1 h',"
        " attempted_at = attempted_at - interval '1 h'",
        "INSERT INTO river_job (kind, args, state, attempt, attempted_at, finalized_at)"
        " VALUES ('healthy', '{}', 'completed', 1, now(), now())",
    ),
    "oban": Extreme(
        "oban_jobs",
        "worker",
        (
            {"state": "'available'"},
            {"state": "'executing'", "attempt": "1", "attempted_at": UTC},
            {"state": "'retryable'", "attempt": "1", "attempted_at": UTC},
            {"state": "'completed'", "attempt": "1", "attempted_at": UTC, "completed_at": UTC},
            {"state": "'discarded'", "attempt": "1", "attempted_at": UTC, "discarded_at": UTC},
            {"state": "'cancelled'", "attempt": "1", "attempted_at": UTC, "cancelled_at": UTC},
        ),
        (("oban_producers", {"uuid": "gen_random_uuid()", "name": "'n'", "node": "'n'", "queue": "'q'"}),),
        "UPDATE oban_jobs SET inserted_at = inserted_at - interval '1 h', scheduled_at = scheduled_at - interval '1 h',"
        " attempted_at = attempted_at - interval '1 h'",
        "INSERT INTO oban_jobs (worker, state, attempt, attempted_at, completed_at)"
        f" VALUES ('healthy', 'completed', 1, {UTC}, {UTC})",
    ),
    "pgqueuer": Extreme(
        "pgqueuer",
        "entrypoint",
        ({"status": "'queued'", "priority": "0"}, {"status": "'picked'", "priority": "0"}),
        (
            *(
                ("pgqueuer_log", {"job_id": "-1", "entrypoint": "'healthy'", "priority": "0", "status": f"'{status}'"})
                for status in ("queued", "picked", "successful", "exception", "failed", "canceled")
            ),
            *(
                ("pgqueuer_schedules", {"expression": "random()::text", "entrypoint": "'e'", "status": f"'{status}'"})
                for status in ("queued", "picked")
            ),
        ),
        "UPDATE pgqueuer SET created = now() - interval '1 h', execute_after = now() - interval '1 h',"
        " updated = now() - interval '1 h'",
        "INSERT INTO pgqueuer_log (job_id, entrypoint, priority, status) VALUES (-2, 'healthy', 0, 'picked');"
        "INSERT INTO pgqueuer_log (job_id, entrypoint, priority, status) VALUES (-2, 'healthy', 0, 'successful')",
    ),
    "pgboss": Extreme(
        "pgboss.job",
        "name",
        (
            {"state": "'created'"},
            {"state": "'active'", "started_on": "now()"},
            {"state": "'retry'", "started_on": "now()"},
            *(
                {"state": f"'{state}'", "started_on": "now()", "completed_on": "now()"}
                for state in ("completed", "failed", "cancelled")
            ),
        ),
        (
            ("pgboss.schedule", {"name": "'healthy'", "key": "random()::text", "cron": "'* * * * *'"}),
            (
                "pgboss.instance",
                {
                    **dict.fromkeys(
                        ("supervise", "schedule", "migrate", "persist_queue_stats", "persist_warnings"), "true"
                    ),
                    **dict.fromkeys(("host", "version", "node_version"), "'x'"),
                    **dict.fromkeys(("pid", "heartbeat_seconds"), "60"),
                    "id": "gen_random_uuid()",
                },
            ),
        ),
        "UPDATE pgboss.job SET created_on = now() - interval '1 h', start_after = now() - interval '1 h',"
        " started_on = started_on - interval '1 h'",
        "INSERT INTO pgboss.job (name, state, started_on, completed_on) VALUES ('healthy', 'completed', now(), now())",
    ),
    "procrastinate": Extreme(
        "procrastinate_jobs",
        "task_name",
        tuple(
            {"queue_name": "'q'", "status": f"'{status}'", "attempts": attempts}
            for status, attempts in (("todo", "0"), ("doing", "0"), ("todo", "1"), ("succeeded", "1"), ("failed", "1"))
        ),
        (
            *(
                (
                    "procrastinate_events",
                    {
                        "job_id": f"(SELECT max(id) FROM procrastinate_jobs WHERE status = '{status}')",
                        "type": f"'{event}'",
                    },
                )
                for status in ("todo", "doing", "succeeded", "failed")
                for event in ("deferred", "scheduled", "started", status)
                if event not in ("todo", "doing")
            ),
            ("procrastinate_workers", {}),
            (
                "procrastinate_periodic_defers",
                {
                    "task_name": "'healthy'",
                    "defer_timestamp": "(random() * 1e6)::bigint",
                    "job_id": "(SELECT max(id) FROM procrastinate_jobs)",
                },
            ),
        ),
        "INSERT INTO procrastinate_events (job_id, type)"
        " SELECT id, 'started' FROM procrastinate_jobs WHERE status = 'doing';"
        "UPDATE procrastinate_events SET at = now() - interval '1 h'",
        "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 'healthy');"
        "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (SELECT max(id) FROM procrastinate_jobs);"
        "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = (SELECT max(id) FROM procrastinate_jobs)",
    ),
    "graphile": Extreme(
        "graphile_worker._private_jobs",
        "task_id",
        (
            {"attempts": "0"},
            {"attempts": "1", "locked_at": "now()", "locked_by": "'w'"},
            {"attempts": "1"},
            {"attempts": "25"},
        ),
        (),
        "UPDATE graphile_worker._private_jobs SET created_at = now() - interval '1 h', run_at = now() - interval '1 h',"
        " locked_at = locked_at - interval '1 h'",
        "INSERT INTO graphile_worker._private_jobs (task_id, locked_at)"
        " SELECT id, now() FROM graphile_worker._private_tasks WHERE identifier = 'healthy';"
        "DELETE FROM graphile_worker._private_jobs WHERE id = (SELECT max(id) FROM graphile_worker._private_jobs)",
    ),
}
TABLES = {**TABLES, "oban-python": TABLES["oban"], "graphile-unrecorded": TABLES["graphile"]}

_COLUMNS = """
SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
 WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
"""
_GRAPHILE_TASK = "(SELECT id FROM graphile_worker._private_tasks WHERE identifier = {})"


async def put(conn: AsyncConnection, table: str, row: Mapping[str, str]) -> bool:
    """Insert one row of SQL; answers whether the table takes it."""
    values = f"({', '.join(row)}) VALUES ({', '.join(row.values())})" if row else "DEFAULT VALUES"
    try:
        await conn.execute(f"INSERT INTO {table} {values}".encode())
    except Error:
        return False
    return True


async def named(conn: AsyncConnection, kind: str, name: str) -> str | None:
    """SQL of a job type of that name; None where the engine takes none."""
    literal = sql.Literal(name).as_string(conn)
    try:
        if ALL[kind].engine == "pgboss":
            await conn.execute('SELECT pgboss.create_queue(%s, \'{"policy": "standard"}\')', (name,))
        if ALL[kind].engine == "graphile":
            await conn.execute("INSERT INTO graphile_worker._private_tasks (identifier) VALUES (%s)", (name,))
            return _GRAPHILE_TASK.format(literal)
    except Error:
        return None
    return literal


async def poison(conn: AsyncConnection, kind: str, healthy: str) -> int:
    """Put in each extreme of each column; answers how many the tables take."""
    tables, taken = TABLES[kind], 0
    for name in NAMES:
        if job_type := await named(conn, kind, name):
            for state in tables.states:
                taken += await put(conn, tables.table, {**state, tables.job_type: job_type})
    rows = [(tables.table, {**state, tables.job_type: healthy}) for state in tables.states]
    for table, row in (*rows, *tables.others):
        for column, data_type in await (await conn.execute(_COLUMNS, (table,))).fetchall():
            if column in KEPT or (column == tables.job_type and table == tables.table):
                continue
            for value in EXTREMES.get(data_type, ()):
                literal = sql.Literal(value).as_string(conn)
                taken += await put(conn, table, {**row, column: f"{literal}::{data_type}"})
    return taken


@pytest.mark.parametrize("kind", TABLES, indirect=True)
async def test_what_the_tables_take_fails_no_read_and_what_is_healthy_stays_exact(
    kind: str, driver: Driver, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    tables = TABLES[kind]
    queue = replace(queue, statement_timeout=30.0)
    exporter = watch(queue)
    await exporter.poll()
    healthy = await named(admin, kind, HEALTHY)
    assert healthy is not None
    for state in tables.states[:2]:
        assert await put(admin, tables.table, {**state, tables.job_type: healthy})
    for statement in tables.since_an_hour.split(";"):
        await admin.execute(statement.encode())
    before = await exporter.poll(rounds=2)
    runs_before = before.value(metrics.RUNS, job_type=HEALTHY)

    assert await poison(admin, kind, healthy) > 50
    poisoned = await exporter.poll(rounds=2)
    for statement in tables.one_more.split(";"):
        await admin.execute(statement.encode())
    page = await exporter.poll(rounds=2)
    started_after = await watch(queue).poll(rounds=2)

    for each in (page, started_after):
        assert each.value(metrics.UP) == 1
        assert {name: ok for name, ok in each.by("collector", metrics.COLLECTOR_SUCCESS).items() if not ok} == {}
        for metric in (metrics.OLDEST_READY, metrics.OLDEST_ACTIVE):
            assert each.value(metric, job_type=HEALTHY) == before.value(metric, job_type=HEALTHY)
    if runs_before is not None:
        assert page.value(metrics.RUNS, job_type=HEALTHY) == (poisoned.value(metrics.RUNS, job_type=HEALTHY) or 0) + 1
    await admin.execute("SELECT * FROM system_status.recent_jobs")
    [now] = await (await admin.execute("SELECT now()")).fetchone() or (None,)
    assert now
    control = open_engine(driver.engine, None).control
    for cleanup in control.cleanups:
        await control.concerned(admin, cleanup, now, MOST_COUNTED)
