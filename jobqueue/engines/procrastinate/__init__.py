"""procrastinate, from Python; see README.md beside this file."""

from datetime import timedelta

from psycopg.sql import Literal

from jobqueue import sql
from jobqueue.dialects import Dialect
from jobqueue.engine import Capability, Engine, Index
from jobqueue.engines.control import SqlControl
from jobqueue.engines.reader import SqlReader, queries

DEFAULT_SCHEMA = "public"

_TABLES = {
    "procrastinate_jobs": (
        "id",
        "task_name",
        "queueing_lock",
        "priority",
        "status",
        "scheduled_at",
        "attempts",
        "worker_id",
    ),
    "procrastinate_events": ("id", "job_id", "type", "at"),
    "procrastinate_periodic_defers": ("task_name", "defer_timestamp", "job_id"),
    "procrastinate_workers": ("id", "last_heartbeat"),
}
_LACKS = {
    Capability.SCHEDULES: "periodic tasks stand in code only, their ticks alone in the database",
}


def open_engine(schema: str) -> Engine:
    """Open the procrastinate queue whose tables stand in *schema*."""
    read = queries(__name__, schema)
    return Engine(
        name="procrastinate",
        schema=schema,
        reader=SqlReader(read, _LACKS),
        control=SqlControl(sql.load(__name__, "control.sql", schema=schema, schema_name=Literal(schema))),
        tables=_TABLES,
        indexes=(Index("system_status_finished", "procrastinate_events", ("type", "at"), read["index_finished"]),),
        janitor_by_itself=False,
        dialect=Dialect.CRONITER,
        retention=timedelta.max,
        control_grants=lambda role: sql.load(__name__, "control.sql", schema=schema, role=role)["grants"],
        recent_jobs=read["recent_jobs"],
        lacks=_LACKS,
    )
