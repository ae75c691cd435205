"""The Ascent platform's queue: the reference engine."""

from datetime import timedelta

from jobqueue import sql
from jobqueue.dialects import Dialect
from jobqueue.engine import Engine, Index
from jobqueue.engines.control import SqlControl
from jobqueue.engines.reader import SqlReader, queries

DEFAULT_SCHEMA = "ascent"

_TABLES = {
    "jobs": (
        "id",
        "job_type",
        "state",
        "priority",
        "retries",
        "run_after",
        "created_at",
        "started_at",
        "finished_at",
        "worker_id",
    ),
    "schedules": (
        "job_type",
        "description",
        "cron",
        "timezone",
        "priority",
        "expire_after",
        "enabled",
        "last_enqueued_at",
    ),
    "workers": (
        "id",
        "hostname",
        "pid",
        "mode",
        "version",
        "started_at",
        "last_seen_at",
        "processed",
        "failed",
        "current_job_type",
        "current_started_at",
    ),
}


def open_engine(schema: str) -> Engine:
    """Open the Ascent queue whose tables stand in *schema*."""
    read = queries(__name__, schema)
    return Engine(
        name="ascent",
        schema=schema,
        reader=SqlReader(read),
        control=SqlControl(sql.load(__name__, "control.sql", schema=schema)),
        tables=_TABLES,
        indexes=(
            Index("jobs_live", "jobs", ("state", "job_type", "run_after"), read["index_live"]),
            Index("jobs_finished", "jobs", ("state", "finished_at"), read["index_finished"]),
        ),
        janitor_by_itself=True,
        dialect=Dialect.CRONITER,
        retention=timedelta(hours=1),
        control_grants=lambda role: sql.load(__name__, "control.sql", schema=schema, role=role)["grants"],
        recent_jobs=read["recent_jobs"],
    )
