"""What is wrong with a queue's tables, as a role sees them."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator

from psycopg.sql import Identifier

from jobqueue import sql
from jobqueue.check.finding import MIGRATE, RECORD, Code, Finding, Level
from jobqueue.config import ConfiguredSchedule
from jobqueue.detect import TABLES, VALUES, no_queue, queues
from jobqueue.engine import Conn, Engine
from jobqueue.engines.superfluous import superfluous_indexes
from jobqueue.recurring import recurring
from jobqueue.schedules import InvalidSchedule, parse
from jobqueue.tables.grants import queue_grants

QUERIES = sql.load("jobqueue.check")

Column = tuple[str, str, bool, bool, bool, bool]
"""Table, column, whether either is there, whether the role may read it, whether rows are hidden from it."""


async def queue_findings(
    conn: Conn, engine: Engine, role: str, schedules: Collection[ConfiguredSchedule]
) -> AsyncIterator[Finding]:
    """Look at the tables for the exporter's *role*; what depends on a finding isn't looked at."""
    columns = await _columns(conn, engine, role)
    found = list(_column_findings(engine, columns, role))
    if not any(table_exists for _, _, table_exists, *_ in columns):
        rows = await (await conn.execute(TABLES, VALUES)).fetchall()
        text = no_queue(engine.name, engine.schema, conn.info.dbname, queues(rows))
        found = [Finding(Code.QUEUE_MISSING, text)]
    for finding in found:
        yield finding
    if found:
        return
    indexes = await (await conn.execute(QUERIES["indexes"], {"schema": engine.schema})).fetchall()
    for finding in _index_findings(engine, indexes):
        yield finding
    for index in await superfluous_indexes(engine, conn):
        yield Finding(
            Code.INDEX_SUPERFLUOUS,
            f"index {index.name} of {engine.schema}.{index.table} does what the engine's own {index.served_by} does",
            (f"{index.remove.as_string()};",),
            level=Level.WARNING,
        )
    async for finding in _recorder_findings(conn, engine):
        yield finding
    cursor = await conn.execute(QUERIES["open_schemas"], {"schemas": ["public", engine.schema]})
    for (schema,) in await cursor.fetchall():
        yield Finding(
            Code.SCHEMA_OPEN,
            f"every role may create objects in schema {schema}: an operator or function there can take the place of "
            "PostgreSQL's own in every program that has the schema in its search_path",
            (f"REVOKE CREATE ON SCHEMA {Identifier(schema).as_string()} FROM PUBLIC;",),
        )
    async for finding in _schedule_findings(conn, engine, schedules):
        yield finding


async def _columns(conn: Conn, engine: Engine, role: str) -> list[Column]:
    tables = {**engine.tables, **engine.newer_tables}
    wanted = [(table, column) for table, columns in tables.items() for column in columns]
    values = {
        "role": role,
        "schema": engine.schema,
        "tables": [table for table, _ in wanted],
        "columns": [column for _, column in wanted],
    }
    rows = await (await conn.execute(QUERIES["columns"], values)).fetchall()
    return [row for row in rows if row[2] or row[0] in engine.tables]


def _column_findings(engine: Engine, rows: Iterable[Column], role: str) -> Iterator[Finding]:
    unreadable, filtered, missing = [], set(), set()
    for table, column, table_exists, column_exists, readable, is_filtered in rows:
        if not table_exists:
            missing.add(table)
        elif not column_exists:
            yield Finding(
                Code.COLUMN_MISSING,
                f"column {engine.schema}.{table}.{column} isn't there: is this engine {engine.name}, in a "
                "supported version?",
            )
        elif not readable:
            unreadable.append(f"{table}.{column}")
        elif is_filtered:
            filtered.add(table)
    for table in sorted(missing):
        text = f"table {engine.schema}.{table} isn't there: is this engine {engine.name}, in a supported version?"
        yield Finding(Code.QUEUE_MISSING, text)
    if unreadable:
        text = f"role {role} can't read {', '.join(unreadable)}"
        yield Finding(Code.RIGHT_MISSING, text, tuple(queue_grants(engine, role)))
    for table in sorted(filtered):
        yield Finding(
            Code.ROWS_HIDDEN,
            f"row-level security hides rows of {engine.schema}.{table} from role {role}",
            (f"ALTER ROLE {Identifier(role).as_string()} BYPASSRLS;",),
        )


def _index_findings(engine: Engine, rows: Iterable[tuple[str, str, bool, list[str]]]) -> Iterator[Finding]:
    existing = list(rows)
    for index in engine.indexes:
        fitting = [
            (name, valid)
            for table, name, valid, columns in existing
            if table == index.table and tuple(columns[: len(index.columns)]) == index.columns
        ]
        if not fitting:
            columns = ", ".join(index.columns)
            yield Finding(
                Code.INDEX_MISSING,
                f"no index on {engine.schema}.{index.table} ({columns}): polls read the whole table",
                (f"{index.definition.as_string()};",),
            )
        elif not any(valid for _, valid in fitting):
            name = fitting[0][0]
            quoted = Identifier(engine.schema, name).as_string()
            yield Finding(
                Code.INDEX_INVALID, f"index {name} is invalid and not used", (f"REINDEX INDEX CONCURRENTLY {quoted};",)
            )


async def _recorder_findings(conn: Conn, engine: Engine) -> AsyncIterator[Finding]:
    recorder = engine.recorder
    if recorder is None:
        return
    if await (await conn.execute(recorder.is_there)).fetchone() != (True,):
        yield Finding(
            Code.RECORDER_MISSING,
            f"{engine.name} deletes finished jobs and nothing records them: runs, durations and success rates are "
            "missing",
            commands=(RECORD,),
            level=Level.WARNING,
        )
        return
    if await (await conn.execute(recorder.lends_rights)).fetchone() == (True,):
        text = "every role can run code as the owner of the recorder's functions"
        yield Finding(Code.RECORDER_UNSAFE, text, commands=(MIGRATE,))
    for (role,) in await (await conn.execute(recorder.unrecorded_roles)).fetchall():
        text = f"role {role} may end jobs but not record them: its runs aren't counted"
        yield Finding(Code.RECORDER_INCOMPLETE, text, commands=(RECORD,))


async def _schedule_findings(
    conn: Conn, engine: Engine, schedules: Collection[ConfiguredSchedule]
) -> AsyncIterator[Finding]:
    for row in (await recurring(engine, conn, list(schedules))).rows:
        try:
            parse(row.cron, row.timezone, row.dialect)
        except InvalidSchedule as error:
            yield Finding(Code.SCHEDULE_UNREADABLE, f"schedule {row.job_type!r}: {error}")
    known = {schedule.job_type for schedule in schedules}
    for job_type in sorted((await engine.reader.ticks(conn)).keys() - known):
        yield Finding(
            Code.SCHEDULE_IN_CODE,
            f"recurring job {job_type!r} stands in code only: write it under schedules in the configuration",
        )
