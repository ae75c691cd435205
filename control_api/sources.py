"""The queues that can be acted on, each with a few connections."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString

import structlog
from psycopg import AsyncConnection, DataError, Error, IntegrityError, OperationalError, ProgrammingError
from psycopg.errors import FeatureNotSupported
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import SecretStr

from control_api.errors import kind, told
from control_api.problems import NotPossible, ReadOnly, Unavailable
from jobqueue.config import ConfiguredSchedule, Source
from jobqueue.engine import Conn, Engine
from jobqueue.engines import open_engine
from jobqueue.recurring import recurring, recurring_one
from jobqueue.rows import Listed, ScheduleRow
from jobqueue.session import ServerTooOldError, pinned, prepare, writing
from jobqueue.tables.identity import Identity, known, name_taken

log = structlog.get_logger()

_CONNECTIONS = 5
_WAIT_SECONDS = 5.0
_CONNECTION: Mapping[str, Any] = {
    "autocommit": True,
    "prepare_threshold": None,
    "connect_timeout": 5,
    # A server or a network that goes without a word is noticed in seconds, not in hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "system-status control",
}
_LIMITS: LiteralString = (
    "SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '2s'; "
    # A process that is frozen in the middle lets go of what it holds before its lease runs out.
    "SET LOCAL idle_in_transaction_session_timeout = '20s'"
)
_ONE_MOMENT: LiteralString = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY, NOT DEFERRABLE"
_RAISED = "P0"
"""The class of what a trigger of the queue's owner raises."""
_MOMENT = "SELECT now(), current_setting('transaction_read_only') = 'on'"
_CHANGES_NOTHING = "SELECT pg_is_in_recovery()"


@dataclass(frozen=True, slots=True)
class ControlledSource:
    """One queue; connections are opened when they are needed."""

    name: str
    engine: Engine
    schedules: Sequence[ConfiguredSchedule]
    """Recurring jobs that stand in code only."""
    dsn: SecretStr
    pool: AsyncConnectionPool[AsyncConnection[TupleRow]]
    """For what takes moments."""
    read_only: bool

    @classmethod
    def open(cls, source: Source, *, read_only: bool) -> "ControlledSource":
        """Prepare for a configured source; nothing is connected yet."""
        pool = _pool(source.name, source.dsn, _CONNECTIONS)
        engine = open_engine(source.engine, source.schema)
        return cls(source.name, engine, source.schedules, source.dsn, pool, read_only)

    def beside(self, what: str, connections: int) -> "ControlledSource":
        """The same source over so many connections for *what* alone; whoever asks for it opens and closes them."""
        return replace(self, pool=_pool(f"{self.name} {what}", self.dsn, connections))

    async def recurring(self, conn: Conn) -> Listed[ScheduleRow]:
        """The recurring jobs, of the database and of the configuration."""
        return await recurring(self.engine, conn, self.schedules)

    async def recurring_one(self, conn: Conn, job_type: str) -> ScheduleRow | None:
        """One recurring job, however many there are."""
        return await recurring_one(self.engine, conn, self.schedules, job_type)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Conn]:
        """Lend a connection. Raises ``Unavailable`` while the database can't be reached or lacks a table or right."""
        before = times_cancelled()
        with self._said():
            async with self.pool.connection() as conn:
                # The pool waits by asyncio.wait_for, which in Python 3.11 can lose a cancellation.
                if times_cancelled() > before:
                    raise asyncio.CancelledError
                prepare(conn)
                yield conn

    @asynccontextmanager
    async def own_connection(self) -> AsyncIterator[Conn]:
        """Open a connection beside those that are lent, for what may take long or must not wait. Raises likewise."""
        with self._said():
            conn = await AsyncConnection.connect(self.dsn.get_secret_value(), **_CONNECTION)
            try:
                prepare(conn)
                yield conn
            finally:
                await conn.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Conn]:
        """Lend a read-only transaction that sees one moment."""
        async with self.connection() as conn, conn.transaction():
            await conn.execute(f"{_ONE_MOMENT}; {pinned(conn)}; {_LIMITS}")
            yield conn

    async def begin_logging(self, conn: Conn) -> None:
        """Set a transaction's mode and limits: all that writing to our own log takes."""
        # With a snapshot for each statement, rows that a worker changed meanwhile are passed over and no error.
        await conn.execute(f"{writing(conn)}; {_LIMITS}")

    async def begin_writing(self, conn: Conn) -> datetime:
        """Set a transaction's mode and limits; answers the database's time.

        Raises ``ReadOnly``, also for a standby, and ``NotPossible`` where the engine's schema isn't safe to write to.
        """
        try:
            await self.begin_logging(conn)
        except FeatureNotSupported:
            raise ReadOnly(self.name) from None
        now, read_only = await (await conn.execute(_MOMENT)).fetchone() or (None, True)
        if read_only or self.read_only or now is None:
            raise ReadOnly(self.name)
        refusal = await self.refusal(conn)
        if refusal is not None:
            raise NotPossible(refusal)
        moment: datetime = now
        return moment

    async def refusal(self, conn: Conn) -> str | None:
        """Say why nothing may be changed: the log is another queue's, or the engine's schema isn't safe to write to."""
        return await self.name_taken(conn) or await self.engine.control.refusal(conn)

    async def name_taken(self, conn: Conn) -> str | None:
        """Say that the source's name, and so the log under it, is another queue's; None where it isn't."""
        own, found = Identity(self.engine.name, self.engine.schema), await known(conn, self.name)
        return None if found is None or found.is_same(own) else name_taken(self.name, found, own)

    async def changes_nothing(self, conn: Conn) -> bool:
        """Whether the database is a standby."""
        row = await (await conn.execute(_CHANGES_NOTHING)).fetchone()
        return row is None or bool(row[0])

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Make of what the database says a problem that can be shown; the rest is in the log."""
        try:
            yield
        except ServerTooOldError as error:
            raise NotPossible(f"source {self.name!r} can't be used: {error}") from error
        except (PoolTimeout, OperationalError) as error:
            raise Unavailable(self.name) from error
        except Error as error:
            if not isinstance(error, DataError | IntegrityError | ProgrammingError):
                raise
            log.warning("source.unusable", source=self.name, error=told(error))
            if not isinstance(error, ProgrammingError) or (error.sqlstate or "").startswith(_RAISED):
                raise NotPossible(f"the database of source {self.name!r} refuses it: {kind(error)}") from error
            raise Unavailable(self.name, lacking=True) from error


def _pool(name: str, dsn: SecretStr, connections: int) -> AsyncConnectionPool[AsyncConnection[TupleRow]]:
    return AsyncConnectionPool(
        dsn.get_secret_value(),
        min_size=0,
        max_size=connections,
        timeout=_WAIT_SECONDS,
        open=False,
        name=name,
        check=AsyncConnectionPool.check_connection,
        kwargs=dict(_CONNECTION),
    )


def times_cancelled() -> int:
    """How often the task at work was told to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


async def now(conn: Conn) -> datetime:
    """Tell when the transaction began, by the database's clock: what came later isn't meant."""
    return await _moment(conn, "SELECT now()")


async def clock(conn: Conn) -> datetime:
    """Read the database's clock: nothing that the transaction sees is from later."""
    return await _moment(conn, "SELECT clock_timestamp()")


async def _moment(conn: Conn, query: LiteralString) -> datetime:
    row = await (await conn.execute(query)).fetchone()
    if row is None:
        raise AssertionError("a SELECT without FROM has a row")
    moment: datetime = row[0]
    return moment
