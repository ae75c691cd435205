"""Oban, from Elixir or Python; see README.md beside this file."""

from datetime import timedelta

from psycopg.sql import Literal

from jobqueue import sql
from jobqueue.dialects import Dialect
from jobqueue.engine import Capability, Engine, Index
from jobqueue.engines.control import SqlControl
from jobqueue.engines.reader import SqlReader, queries

DEFAULT_SCHEMA = "public"

_TABLES = {
    "oban_jobs": (
        "id",
        "worker",
        "queue",
        "state",
        "priority",
        "attempt",
        "attempted_by",
        "meta",
        "inserted_at",
        "scheduled_at",
        "attempted_at",
        "completed_at",
        "discarded_at",
        "cancelled_at",
    ),
}
_NEWER_TABLES = {"oban_producers": ("uuid", "node", "queue", "started_at", "updated_at")}
_LACKS = {
    Capability.SCHEDULES: "the crontab stands in code only, the jobs of its ticks alone in the database",
}
_NEWER = {Capability.HEARTBEATS: "producers say that they are alive in Oban for Python and in Pro only"}
_PRUNED_AFTER = timedelta(seconds=60)
"""Without a ``max_age`` of their own, Elixir's queues keep finished jobs no longer."""


def open_engine(schema: str) -> Engine:
    """Open the Oban queue whose tables stand in *schema*."""
    read = queries(__name__, schema)
    ticks = sql.load(__name__, "control.sql", schema=schema)["newest_ticks"]
    control = sql.load(__name__, "control.sql", schema=schema, schema_name=Literal(schema), newest_ticks=ticks)
    return Engine(
        name="oban",
        schema=schema,
        reader=SqlReader(read, _LACKS, _NEWER, _NEWER_TABLES),
        control=SqlControl(control),
        tables=_TABLES,
        newer_tables=_NEWER_TABLES,
        indexes=(
            Index("oban_jobs_state_queue_priority_scheduled_at_id_index", "oban_jobs", ("state",), read["index_live"]),
            Index("system_status_completed", "oban_jobs", ("completed_at",), read["index_completed"]),
            Index("system_status_cron", "oban_jobs", ("worker", "id"), read["index_cron"]),
        ),
        janitor_by_itself=False,
        dialect=Dialect.OBAN,
        retention=_PRUNED_AFTER,
        control_grants=lambda role: sql.load(__name__, "control.sql", schema=schema, role=role)["grants"],
        recent_jobs=read["recent_jobs"],
        lacks=_LACKS,
    )
