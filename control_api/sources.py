"""The queues that can be acted on, each with a few connections."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from psycopg import AsyncConnection, OperationalError, ProgrammingError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from control_api.problems import ReadOnly, Unavailable
from jobqueue.config import ConfiguredSchedule, Source
from jobqueue.engine import Conn, Engine
from jobqueue.engines import open_engine
from jobqueue.recurring import recurring
from jobqueue.rows import ScheduleRow

log = structlog.get_logger()

_CONNECTIONS = 5
_WAIT_SECONDS = 5.0
_LIMITS = b"SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '2s'; SET LOCAL TimeZone = 'UTC'"
_MOMENT = "SELECT now(), current_setting('transaction_read_only') = 'on'"


@dataclass(frozen=True, slots=True)
class ControlledSource:
    """One queue; connections are opened when they are needed."""

    name: str
    engine: Engine
    schedules: Sequence[ConfiguredSchedule]
    """Recurring jobs that stand in code only."""
    pool: AsyncConnectionPool[AsyncConnection[TupleRow]]
    read_only: bool

    @classmethod
    def open(cls, source: Source, *, read_only: bool) -> "ControlledSource":
        """Prepare for a configured source; nothing is connected yet."""
        pool = AsyncConnectionPool(
            source.dsn.get_secret_value(),
            min_size=0,
            max_size=_CONNECTIONS,
            timeout=_WAIT_SECONDS,
            open=False,
            name=source.name,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "connect_timeout": 5,
                "application_name": "system-status control",
            },
        )
        return cls(source.name, open_engine(source.engine, source.schema), source.schedules, pool, read_only)

    async def recurring(self, conn: Conn) -> Sequence[ScheduleRow]:
        """The recurring jobs, of the database and of the configuration."""
        return await recurring(self.engine.reader, conn, self.schedules)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Conn]:
        """Lend a connection. Raises ``Unavailable`` while the database can't be reached or lacks a table or right."""
        before = _times_cancelled()
        try:
            async with self.pool.connection() as conn:
                # The pool waits by asyncio.wait_for, which in Python 3.11 can lose a cancellation.
                if _times_cancelled() > before:
                    raise asyncio.CancelledError
                yield conn
        except (PoolTimeout, OperationalError) as error:
            raise Unavailable(self.name) from error
        except ProgrammingError as error:
            log.warning("source.unusable", source=self.name, error=" ".join(str(error).split()))
            raise Unavailable(self.name, lacking=True) from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Conn]:
        """Lend a read-only transaction that sees one moment."""
        async with self.connection() as conn, conn.transaction():
            await conn.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            await conn.execute(_LIMITS)
            yield conn

    async def begin_writing(self, conn: Conn) -> datetime:
        """Set a transaction's limits; answers the database's time. Raises ``ReadOnly``, also for a standby."""
        await conn.execute(_LIMITS)
        now, read_only = await (await conn.execute(_MOMENT)).fetchone() or (None, True)
        if read_only or self.read_only or now is None:
            raise ReadOnly(self.name)
        moment: datetime = now
        return moment


def _times_cancelled() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


async def now(conn: Conn) -> datetime:
    """Read the database's clock."""
    row = await (await conn.execute("SELECT now()")).fetchone()
    if row is None:
        raise AssertionError("a SELECT without FROM has a row")
    moment: datetime = row[0]
    return moment
