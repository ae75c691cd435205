"""River, from Go; see README.md beside this file."""

from datetime import timedelta

from psycopg.sql import Literal

from jobqueue import sql
from jobqueue.dialects import Dialect
from jobqueue.engine import Capability, Engine, Index
from jobqueue.engines.control import SqlControl
from jobqueue.engines.reader import SqlReader, queries

DEFAULT_SCHEMA = "public"

_TABLES = {
    "river_job": (
        "id",
        "kind",
        "queue",
        "state",
        "priority",
        "attempt",
        "attempted_by",
        "metadata",
        "unique_key",
        "unique_states",
        "created_at",
        "scheduled_at",
        "attempted_at",
        "finalized_at",
    ),
    "river_queue": ("name", "paused_at"),
}
_LACKS = {
    Capability.HEARTBEATS: "clients leave no sign of life in the database, but for the one that leads",
    Capability.SCHEDULES: "periodic jobs stand in code only, their newest job alone in the database",
}


def open_engine(schema: str) -> Engine:
    """Open the River queue whose tables stand in *schema*."""
    read = queries(__name__, schema, staged_at=sql.load(__name__, "staged_at.sql")["staged_at"])
    ticks = sql.load(__name__, "control.sql", schema=schema)["newest_ticks"]
    control = sql.load(__name__, "control.sql", schema=schema, schema_name=Literal(schema), newest_ticks=ticks)
    return Engine(
        name="river",
        schema=schema,
        reader=SqlReader(read, _LACKS),
        control=SqlControl(control),
        tables=_TABLES,
        indexes=(
            Index("river_job_prioritized_fetching_index", "river_job", ("state",), read["index_live"]),
            Index(
                "river_job_state_and_finalized_at_index",
                "river_job",
                ("state", "finalized_at"),
                read["index_finished"],
            ),
            Index("river_job_metadata_index", "river_job", ("metadata",), read["index_periodic"]),
        ),
        janitor_by_itself=False,
        dialect=Dialect.RIVER,
        retention=timedelta(hours=24),
        control_grants=lambda role: sql.load(__name__, "control.sql", schema=schema, role=role)["grants"],
        recent_jobs=read["recent_jobs"],
        lacks=_LACKS,
    )
