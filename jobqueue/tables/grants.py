"""Prints the least that each role needs: SQL for a database's owner to read, change and run."""

from collections.abc import Iterator, Sequence
from enum import Enum

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from jobqueue.config import Source
from jobqueue.engine import Engine
from jobqueue.engines import open_engine
from jobqueue.session import PINNED
from jobqueue.sql import load
from jobqueue.tables import SCHEMA

_PACKAGE = "jobqueue.tables"


class Part(Enum):
    """Which of it is printed: a database's owner may not be able to make roles, and who can may not own the tables."""

    ALL = "all"
    ROLES = "roles"
    RIGHTS = "rights"


def grants(
    sources: Sequence[Source], exporter: str, control: str, grafana: str, *, part: Part = Part.ALL
) -> Iterator[str]:
    """Yield SQL, line by line, which is safe to run twice.

    The role *exporter* reads queues and writes our counting tables, *control* acts and adds to the log, *grafana*
    reads the views. Columns are granted one by one: exporter and Grafana can't read a payload, and no role can rewrite
    the log. What the control role can read of payloads stands in ``docs/security.md``.
    """
    for source in sources:
        queue, store = source.dsn.get_secret_value(), source.store_dsn.get_secret_value()
        engine = open_engine(source.engine, source.schema)
        databases = [queue] if store == queue else [queue, store]
        for dsn in databases:
            yield from _begin(source, dsn)
            if part is Part.RIGHTS:
                yield from _roles("role_is_there", exporter, control, grafana)
            else:
                yield from roles(exporter, control, grafana)
                yield from reader_limits(grafana)
            if part is not Part.ROLES:
                if dsn == queue:
                    yield from control_grants(engine, control)
                    yield from exporter_grants(engine, exporter, with_tables=store == queue)
                if dsn == store != queue:
                    yield from store_grants(exporter)
                yield from view_grants(grafana) if store == queue else view_grants_where_there(grafana)
            yield "COMMIT;"
            yield ""


def queue_grants(engine: Engine, role: str) -> Iterator[str]:
    """Yield what reading one queue takes."""
    yield from _statements("schema", role=role, schema=engine.schema)
    for table, columns in engine.tables.items():
        yield _columns(engine, table, columns, role).as_string()
    for table, columns in engine.newer_tables.items():
        grant = _columns(engine, table, columns, role)
        place = sql.Literal(sql.Identifier(engine.schema, table).as_string())
        yield load(_PACKAGE, "grants.sql", grant=grant, place=place)["where_there"].as_string()
    if engine.recorder is not None:
        yield load("jobqueue.engines", "recorder.sql", role=role)["grants"].as_string()


def exporter_grants(engine: Engine, role: str, *, with_tables: bool) -> Iterator[str]:
    """Yield what reading one queue takes, and keeping our counting tables in the same database."""
    yield from queue_grants(engine, role)
    if with_tables:
        yield from store_grants(role)


def control_grants(engine: Engine, role: str) -> Iterator[str]:
    """Yield what acting on one queue, showing its workers and schedules, and writing the log takes."""
    yield engine.control_grants(role).as_string()
    yield from queue_grants(engine, role)
    yield from _statements("schema", role=role, schema=SCHEMA)
    yield from _statements("audit", role=role)


def store_grants(role: str) -> Iterator[str]:
    """Yield what keeping our counting tables takes."""
    yield from _statements("schema", role=role, schema=SCHEMA)
    yield from _statements("counting", role=role)


def view_grants(role: str) -> Iterator[str]:
    """Yield what reading our views takes."""
    yield from _statements("schema", role=role, schema=SCHEMA)
    yield from _statements("views", role=role)


def view_grants_where_there(role: str) -> Iterator[str]:
    """Yield the same for a database that may hold no view: only beside a queue there is one."""
    yield from _statements("schema", role=role, schema=SCHEMA)
    grant = load(_PACKAGE, "grants.sql", role=role)["views"]
    place = sql.Literal(f"{SCHEMA}.recent_jobs")
    yield load(_PACKAGE, "grants.sql", grant=grant, place=place)["where_there"].as_string()


def reader_limits(role: str) -> Iterator[str]:
    """Yield the settings that hold off the mistakes of whoever sends SQL as this role."""
    limits = load(_PACKAGE, "grants.sql", role=role, role_name=sql.Literal(role))
    yield limits["reader_limits"].as_string()


def roles(*names: str) -> Iterator[str]:
    """Yield what makes the roles with those *names*, where they don't exist."""
    yield from _roles("role", *names)


def _roles(statement: str, *names: str) -> Iterator[str]:
    for name in names:
        yield load(_PACKAGE, "grants.sql", role=name, role_name=sql.Literal(name))[statement].as_string()


def _columns(engine: Engine, table: str, columns: Sequence[str], role: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return load(_PACKAGE, "grants.sql", columns=names, role=role, schema=engine.schema, table=table)["columns"]


def _statements(name: str, **identifiers: str) -> Iterator[str]:
    yield load(_PACKAGE, "grants.sql", **identifiers)[name].as_string()


def _begin(source: Source, dsn: str) -> Iterator[str]:
    """All or nothing in one database, and with no operator of anybody else's."""
    yield f"-- Source {source.name}: in database {_database(dsn)}"
    yield "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE;"
    yield f"{PINNED};"


def _database(dsn: str) -> str:
    parts = conninfo_to_dict(dsn)
    name = f"{parts.get('dbname') or 'of the same name as its user'} on {parts.get('host') or 'the local socket'}"
    return "".join(character if character.isprintable() else "?" for character in name)  # it stands in a comment
