"""The Ascent platform's queue: the reference engine."""

from datetime import timedelta

from jobqueue import sql
from jobqueue.engine import Engine, Index
from jobqueue.engines.ascent.control import AscentControl
from jobqueue.engines.ascent.reader import AscentReader

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
    queries = sql.load("jobqueue.engines.ascent", schema=schema)
    return Engine(
        name="ascent",
        schema=schema,
        reader=AscentReader(queries),
        control=AscentControl(sql.load("jobqueue.engines.ascent", "control.sql", schema=schema)),
        tables=_TABLES,
        indexes=(
            Index("jobs_live", "jobs", ("state", "job_type", "run_after"), queries["index_live"]),
            Index("jobs_finished", "jobs", ("state", "finished_at"), queries["index_finished"]),
        ),
        has_janitor=False,
        retention=timedelta(hours=1),
        control_grants=lambda role: sql.load("jobqueue.engines.ascent", "control.sql", schema=schema, role=role)[
            "grants"
        ],
        recent_jobs=queries["recent_jobs"],
    )
