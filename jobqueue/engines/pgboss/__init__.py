"""pg-boss, from Node.js; see README.md beside this file."""

from datetime import timedelta

from psycopg.sql import Literal

from jobqueue import sql
from jobqueue.dialects import Dialect
from jobqueue.engine import Capability, Engine, Index
from jobqueue.engines.pgboss.control import PgbossControl
from jobqueue.engines.reader import SqlReader, queries

DEFAULT_SCHEMA = "pgboss"

_TABLES = {
    "job": (
        "id",
        "name",
        "state",
        "priority",
        "policy",
        "singleton_key",
        "retry_count",
        "blocked",
        "start_after",
        "created_on",
        "started_on",
        "completed_on",
    ),
    "queue": ("name",),
    "schedule": ("name", "key", "cron", "timezone", "options", "last_job_id"),
    "version": ("version",),
}
_NEWER_TABLES = {
    "instance": (
        "id",
        "host",
        "pid",
        "version",
        "heartbeat_seconds",
        "workers",
        "started_on",
        "heartbeat_on",
        "stopped_on",
    ),
}

_NEWER = {Capability.HEARTBEATS: "instances say that they are alive from pg-boss 12.36 on"}


def open_engine(schema: str) -> Engine:
    """Open the pg-boss queue whose tables stand in *schema*."""
    read = queries(__name__, schema)
    control = sql.load(__name__, "control.sql", schema=schema, schema_name=Literal(schema))
    return Engine(
        name="pgboss",
        schema=schema,
        reader=SqlReader(read, newer=_NEWER, newer_tables=_NEWER_TABLES),
        control=PgbossControl(control),
        tables=_TABLES,
        newer_tables=_NEWER_TABLES,
        indexes=(
            Index("system_status_live", "job_common", ("name", "state", "blocked", "start_after"), read["index_live"]),
            Index("system_status_created", "job_common", ("name", "created_on"), read["index_created"]),
            Index("system_status_finished", "job_common", ("name", "completed_on"), read["index_finished"]),
        ),
        janitor_by_itself=False,
        dialect=Dialect.PGBOSS,
        retention=timedelta(days=7),
        control_grants=lambda role: sql.load(__name__, "control.sql", schema=schema, role=role)["grants"],
        recent_jobs=read["recent_jobs"],
    )
