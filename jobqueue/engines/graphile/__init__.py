"""Graphile Worker, from Node.js; see README.md beside this file."""

from collections.abc import Mapping
from datetime import timedelta

from psycopg.sql import Composable, Composed, Identifier, Literal

from jobqueue import sql
from jobqueue.dialects import Dialect
from jobqueue.engine import Capability, Engine, Recorder
from jobqueue.engines.bounded import bounded
from jobqueue.engines.control import SqlControl
from jobqueue.engines.graphile.reader import GraphileReader
from jobqueue.engines.reader import of_finished, queries
from jobqueue.states import JobState

DEFAULT_SCHEMA = "graphile_worker"

_TABLES = {
    "jobs": (
        "id",
        "task_identifier",
        "key",
        "priority",
        "attempts",
        "max_attempts",
        "run_at",
        "created_at",
        "updated_at",
        "locked_at",
        "locked_by",
    ),
}
_LACKS = {
    Capability.HEARTBEATS: "workers leave no sign of life in the database",
    Capability.SCHEDULES: "the crontab is a file of the workers",
    Capability.TICKS: "row-level security hides the ticks, and their names need not be those of tasks",
    Capability.RUN_NOW: "the payloads of recurring jobs stand in the workers' crontab only",
    Capability.FAIL_ACTIVE: "a worker that comes to its end deletes its job, whatever became of it meanwhile",
}
_RECORDED_FOR = timedelta(hours=1)
_LONGEST_RECORDED = 54
"""Bytes of a schema's name: PostgreSQL cuts names at 63, and two that are cut alike would be one."""


def open_engine(schema: str) -> Engine:
    """Open the Graphile Worker queue whose tables stand in *schema*."""
    ended = sql.load(__name__, "ended.sql")["ended"]
    read = queries(__name__, schema, ended=ended)
    recorder = _recorder(schema, ended)
    recorded_end = sql.load(__name__, "ended.sql", ended=ended, schema_name=Literal(schema))["recorded_end"]
    table = sql.load("jobqueue.engines", "recorder.sql", queue=Literal(schema))
    recorded = bounded({**of_finished(table["finished"]), **table})
    return Engine(
        name="graphile",
        schema=schema,
        reader=GraphileReader(
            {**read, "is_there": recorder["is_there"], "knows_ends": recorder["knows_ends"]},
            recorded,
            queries(__name__, schema, ended=recorded_end),
            _LACKS,
        ),
        control=SqlControl(sql.load(__name__, "control.sql", schema=schema, ended=ended)),
        tables=_TABLES,
        indexes=(),
        janitor_by_itself=False,
        dialect=Dialect.GRAPHILE,
        retention=_RECORDED_FOR,
        control_grants=lambda role: sql.load(
            __name__,
            "control.sql",
            schema=schema,
            schema_name=Literal(schema),
            control_policy=f"control_{schema}",
            role=role,
        )["grants"],
        recent_jobs=read["recent_jobs"],
        lacks=_LACKS,
        states=frozenset(JobState) - {JobState.COMPLETED, JobState.CANCELLED},
        recorder=Recorder(
            install=recorder["install"],
            too_long=_too_long(schema),
            remove=recorder["remove"],
            is_there=recorder["is_there"],
            lends_rights=recorder["lends_rights"],
            unrecorded_roles=recorder["unrecorded_roles"],
        ),
    )


def _too_long(schema: str) -> str | None:
    if len(schema.encode()) <= _LONGEST_RECORDED:
        return None
    return f"the name of schema {schema!r} is too long for the recorder: at most {_LONGEST_RECORDED} bytes"


def _recorder(schema: str, ended: Composed) -> Mapping[str, Composed]:
    """The recorder's statements, by name."""
    deleted, given_up = f"{schema}_deleted", f"{schema}_given_up"
    names: dict[str, Composable] = {
        "schema": Identifier(schema),
        "schema_name": Literal(schema),
        "jobs_name": Literal(Identifier(schema, "_private_jobs").as_string()),
        "recording": Identifier(f"record_{schema}"),
        "recording_name": Literal(f"record_{schema}"),
        "control_policy_name": Literal(f"control_{schema}"),
        "deleted": Identifier(deleted),
        "deleted_name": Literal(deleted),
        "given_up": Identifier(given_up),
        "given_up_name": Literal(given_up),
        "ended": ended,
    }
    roles = sql.load(__name__, "recorder.sql", **names)["changing_roles"]
    return sql.load(__name__, "recorder.sql", **names, changing_roles=roles)
