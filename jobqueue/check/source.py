"""Looks at one source from end to end: how it is reached, its queue, our tables, the view, the roles."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import LiteralString

from psycopg import AsyncConnection, Error
from psycopg.errors import InsufficientPrivilege

from jobqueue.bounds import line
from jobqueue.check.connection import connection_findings, facts, pooled_session
from jobqueue.check.finding import Code, Finding, Report
from jobqueue.check.queue import queue_findings
from jobqueue.check.roles import Roles, exporter_role, role_findings
from jobqueue.check.tables import table_findings, view_findings
from jobqueue.config import Source
from jobqueue.engine import Conn, Engine
from jobqueue.engines import open_engine
from jobqueue.session import pinned, prepare
from jobqueue.tables.identity import Place, place

_LIMITS: LiteralString = "SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '2s'"

_SECONDS = 5.0


@dataclass(slots=True)
class _Look:
    """What was found so far."""

    findings: list[Finding]
    facts: dict[str, str]
    queue: Place | None = None


async def look_at_source(source: Source, roles: Roles | None = None) -> Report:
    """Find what is wrong with a source, for the role that its connection strings name, and for *roles* if given."""
    look = _Look([], {})
    engine = open_engine(source.engine, source.schema)
    await _look_at_queue(look, source, engine, roles)
    if look.queue is not None:
        await _look_at_tables(look, source, engine, roles, look.queue)
    database = f"{look.queue.server}/{look.queue.oid}" if look.queue else ""
    return Report(source.name, look.findings, look.facts, database)


async def _look_at_queue(look: _Look, source: Source, engine: Engine, roles: Roles | None) -> None:
    dsn = source.dsn.get_secret_value()
    try:
        async with _reading(dsn) as conn:
            look.queue = await place(conn)
            look.facts |= await facts(conn, engine)
            pooled = await pooled_session(conn)
            look.findings += [finding async for finding in connection_findings(conn)]
            role = await exporter_role(conn, engine, roles)
            look.findings += [finding async for finding in queue_findings(conn, engine, role, source.schedules)]
            if roles is not None:
                look.findings += [finding async for finding in role_findings(conn, engine, source, roles)]
        if pooled is not None:
            look.facts["connection"] = f"through a pooler in {await _pool_mode(dsn)} mode"
    except Error as error:
        look.findings.append(Finding(Code.UNREACHABLE, f"queue: {line(error)}"))


async def _pool_mode(dsn: str) -> str:
    """Tell a pooler's mode: by transaction, two clients that stay connected take turns with one session."""
    sessions = []
    with suppress(TimeoutError):  # by session, a pool of one has none left for the second client
        async with asyncio.timeout(_SECONDS), await _connect(dsn) as one, await _connect(dsn) as other:
            for conn in (one, other):
                async with conn.transaction():
                    sessions.append(await pooled_session(conn))
    return "transaction" if len(sessions) > len(set(sessions)) else "session"


async def _look_at_tables(look: _Look, source: Source, engine: Engine, roles: Roles | None, queue: Place) -> None:
    store = source.store_dsn.get_secret_value()
    try:
        async with _reading(store) as conn:
            role = await exporter_role(conn, engine, roles)
            look.findings += [finding async for finding in table_findings(conn, engine, source, role, queue)]
        async with _reading(source.dsn.get_secret_value()) as conn:
            if not any(finding.code in (Code.QUEUE_MISSING, Code.TABLES_MISSING) for finding in look.findings):
                look.findings += [finding async for finding in view_findings(conn, source.name)]
    except InsufficientPrivilege as error:
        look.findings.append(Finding(Code.TABLES_UNWRITABLE, f"store: {line(error)}"))
    except Error as error:
        look.findings.append(Finding(Code.UNREACHABLE, f"store: {line(error)}"))


@asynccontextmanager
async def _reading(dsn: str) -> AsyncIterator[Conn]:
    """A transaction with limits, that changes nothing."""
    async with await _connect(dsn) as conn, conn.transaction(force_rollback=True):
        await conn.execute(f"{pinned(conn)}; {_LIMITS}")
        yield conn


async def _connect(dsn: str) -> Conn:
    conn = await AsyncConnection.connect(
        dsn, autocommit=True, connect_timeout=5, application_name="system-status check", prepare_threshold=None
    )
    prepare(conn)
    return conn
