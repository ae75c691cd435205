"""``--check``: what is wrong with a source, and the SQL or the command that mends it."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from psycopg import Error
from psycopg.sql import Identifier

from exporter.database import Database
from jobqueue import sql
from jobqueue.bounds import line
from jobqueue.config import ConfiguredSchedule, Source
from jobqueue.engine import Conn, Engine
from jobqueue.engines import open_engine
from jobqueue.recurring import recurring
from jobqueue.schedules import InvalidSchedule, parse
from jobqueue.tables.grants import queue_grants, store_grants
from jobqueue.tables.migrate import migrations
from jobqueue.terminal import visible

MIGRATE = "python -m jobqueue migrate"
RECORD = f"{MIGRATE} --record-completions"
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and what to run; nothing to run where a person has to decide."""

    text: str
    mend: tuple[str, ...] = ()


async def check(sources: Sequence[Source], say: Callable[[str], None]) -> bool:
    """Say for each source what is wrong with it, line by line; True when nothing is."""
    good = True
    for source in sources:
        problems = [problem async for problem in _problems(source)]
        good = good and not problems
        say(f"{source.name}: {f'{len(problems)} to mend' if problems else 'ok'}")
        for problem in problems:
            say(f"  {visible(problem.text)}")
            for mending in "\n".join(problem.mend).splitlines():
                say(f"    {mending}")
    return good


async def _problems(source: Source) -> AsyncIterator[Problem]:
    engine = open_engine(source.engine, source.schema)
    queue_dsn, store_dsn = source.dsn.get_secret_value(), source.store_dsn.get_secret_value()
    look_at_queue = partial(_queue_problems, schedules=source.schedules)
    for dsn, name, look in ((queue_dsn, "queue", look_at_queue), (store_dsn, "store", _store_problems)):
        async with Database(dsn, _TIMEOUT_SECONDS, read_only=name == "queue") as database:
            try:
                async with database.transaction() as conn:
                    for problem in await look(conn, engine):
                        yield problem
            except Error as error:
                yield Problem(f"{name}: {line(error)}")


async def _queue_problems(conn: Conn, engine: Engine, *, schedules: Sequence[ConfiguredSchedule]) -> list[Problem]:
    queries = sql.load("exporter", "check.sql")
    tables = {**engine.tables, **engine.newer_tables}
    wanted = [(table, column) for table, columns in tables.items() for column in columns]
    cursor = await conn.execute(
        queries["columns"],
        {
            "schema": engine.schema,
            "tables": [table for table, _ in wanted],
            "columns": [column for _, column in wanted],
        },
    )
    rows = [row for row in await cursor.fetchall() if row[2] or row[0] in engine.tables]
    problems = list(_column_problems(engine, rows, conn.info.user))
    if problems:
        return problems
    cursor = await conn.execute(queries["indexes"], {"schema": engine.schema})
    problems += _index_problems(engine, await cursor.fetchall())
    cursor = await conn.execute(queries["view"])
    if await cursor.fetchone() == (False,):
        problems.append(Problem("view system_status.recent_jobs isn't there: no job history in Grafana", (MIGRATE,)))
    problems += [problem async for problem in _recorder_problems(conn, engine)]
    cursor = await conn.execute(queries["open_schemas"], {"schemas": ["public", engine.schema]})
    problems += [
        Problem(
            f"every role may create objects in schema {schema}: an operator or function there can take the place of "
            "PostgreSQL's own in every program that has the schema in its search_path",
            (f"REVOKE CREATE ON SCHEMA {Identifier(schema).as_string()} FROM PUBLIC;",),
        )
        for (schema,) in await cursor.fetchall()
    ]
    for row in (await recurring(engine, conn, schedules)).rows:
        try:
            parse(row.cron, row.timezone, row.dialect)
        except InvalidSchedule as error:
            problems.append(Problem(f"schedule {row.job_type!r}: {error}"))
    known = {schedule.job_type for schedule in schedules}
    problems += [
        Problem(f"recurring job {job_type!r} stands in code only: write it under schedules in the configuration")
        for job_type in sorted((await engine.reader.ticks(conn)).keys() - known)
    ]
    return problems


async def _recorder_problems(conn: Conn, engine: Engine) -> AsyncIterator[Problem]:
    recorder = engine.recorder
    if recorder is None or await (await conn.execute(recorder.is_there)).fetchone() != (True,):
        return
    if await (await conn.execute(recorder.lends_rights)).fetchone() == (True,):
        yield Problem("every role can run code as the owner of the recorder's functions", (MIGRATE,))
    for (role,) in await (await conn.execute(recorder.unrecorded_roles)).fetchall():
        yield Problem(f"role {role} may end jobs but not record them: its runs aren't counted", (RECORD,))


async def _store_problems(conn: Conn, engine: Engine) -> list[Problem]:
    queries = sql.load("exporter", "check.sql")
    cursor = await conn.execute(queries["store"])
    migrated, read_only = await cursor.fetchone() or (False, False)
    if not migrated:
        return [Problem("schema system_status isn't there: nothing that is counted survives a restart", (MIGRATE,))]
    problems = []
    if read_only:
        problems.append(Problem("the database is read-only here: give a writable one as store_dsn"))
    cursor = await conn.execute(queries["writable"])
    if await cursor.fetchone() != (True,):
        problems.append(
            Problem(f"role {conn.info.user} can't write our counting tables", tuple(store_grants(conn.info.user)))
        )
        return problems
    cursor = await conn.execute(queries["version"])
    version, newest = (await cursor.fetchone() or (0,))[0], migrations()[-1].version
    if version < newest:
        problems.append(Problem(f"our tables are at version {version}, this program needs {newest}", (MIGRATE,)))
    return problems


def _column_problems(
    engine: Engine, rows: Iterable[tuple[str, str, bool, bool, bool, bool]], role: str
) -> Iterator[Problem]:
    unreadable, filtered = [], set()
    missing_tables = set()
    for table, column, table_exists, column_exists, readable, is_filtered in rows:
        if not table_exists:
            missing_tables.add(table)
        elif not column_exists:
            yield Problem(f"column {engine.schema}.{table}.{column} isn't there: is this engine {engine.name}?")
        elif not readable:
            unreadable.append(f"{table}.{column}")
        elif is_filtered:
            filtered.add(table)
    for table in sorted(missing_tables):
        yield Problem(f"table {engine.schema}.{table} isn't there: wrong database, or set QUEUE_SCHEMA or schema")
    if unreadable:
        yield Problem(f"role {role} can't read {', '.join(unreadable)}", tuple(queue_grants(engine, role)))
    for table in sorted(filtered):
        yield Problem(
            f"row-level security hides rows of {engine.schema}.{table} from role {role}",
            (f"ALTER ROLE {Identifier(role).as_string()} BYPASSRLS;",),
        )


def _index_problems(engine: Engine, rows: Iterable[tuple[str, str, bool, list[str]]]) -> Iterator[Problem]:
    existing = list(rows)
    for index in engine.indexes:
        fitting = [
            (name, valid)
            for table, name, valid, columns in existing
            if table == index.table and tuple(columns[: len(index.columns)]) == index.columns
        ]
        if not fitting:
            columns = ", ".join(index.columns)
            yield Problem(
                f"no index on {engine.schema}.{index.table} ({columns}): polls read the whole table",
                (f"{index.definition.as_string()};",),
            )
        elif not any(valid for _, valid in fitting):
            name = fitting[0][0]
            quoted = Identifier(engine.schema, name).as_string()
            yield Problem(f"index {name} is invalid and not used", (f"REINDEX INDEX CONCURRENTLY {quoted};",))
