"""PgQueuer, from Python; see README.md beside this file."""

from datetime import timedelta

from jobqueue import sql
from jobqueue.dialects import Dialect
from jobqueue.engine import Capability, Engine, Index
from jobqueue.engines.control import SqlControl
from jobqueue.engines.reader import SqlReader, queries

DEFAULT_SCHEMA = "public"

_TABLES = {
    "pgqueuer": (
        "id",
        "entrypoint",
        "priority",
        "status",
        "created",
        "updated",
        "execute_after",
        "attempts",
        "queue_manager_id",
    ),
    "pgqueuer_log": ("id", "job_id", "entrypoint", "priority", "status", "created"),
    "pgqueuer_schedules": ("entrypoint", "expression", "status", "heartbeat", "next_run", "last_run"),
}
_LACKS = {
    Capability.WAITS: "its log doesn't say when a job was due",
    Capability.HEARTBEATS: "workers say that they are alive in the jobs that they have picked only",
    Capability.RUN_NOW: "a schedule's handler runs inside the scheduler, which looks up when its next tick is due only",
}


def open_engine(schema: str) -> Engine:
    """Open the PgQueuer queue whose tables stand in *schema*."""
    begins_after = sql.load(__name__, "begins_after.sql", schema=schema)["begins_after"]
    read = queries(__name__, schema, begins_after=begins_after)
    return Engine(
        name="pgqueuer",
        schema=schema,
        reader=SqlReader(read, _LACKS),
        control=SqlControl(sql.load(__name__, "control.sql", schema=schema, begins_after=begins_after)),
        tables=_TABLES,
        indexes=(
            Index("pgqueuer_log_created", "pgqueuer_log", ("created",), read["index_finished"]),
            Index("pgqueuer_log_job_id_status", "pgqueuer_log", ("job_id",), read["index_history"]),
        ),
        janitor_by_itself=False,
        dialect=Dialect.CRONITER,
        retention=timedelta.max,
        control_grants=lambda role: sql.load(__name__, "control.sql", schema=schema, role=role)["grants"],
        recent_jobs=read["recent_jobs"],
        lacks=_LACKS,
    )
