"""Connections to a source: opened when needed, kept, one transaction at a time, limits set in each transaction.

The limits are set inside the transaction and not for the session, so that a pooler in transaction mode may stand
between.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

from psycopg import AsyncConnection, Error, IsolationLevel, OperationalError, sql
from psycopg.abc import PQGen
from psycopg.errors import FeatureNotSupported, LockNotAvailable, ReadOnlySqlTransaction
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow, scalar_row
from psycopg.waiting import wait_async

from exporter.trouble import ExplainedError, reason_of
from jobqueue.bounds import line
from jobqueue.engine import Conn
from jobqueue.reasons import Reason
from jobqueue.session import is_standby, pinned, prepare

CONNECT_TIMEOUT_SECONDS = 5
_REFUSED_FOR_SECONDS = 5.0
_SILENT_SECONDS = 5.0
"""How long the server may say nothing after it should have given a statement up by itself."""
_LOCK_SECONDS = 2.0
_CHECK_SECONDS = 0.1
_CANCEL_SECONDS = 1.0

Result = TypeVar("Result")

_busy_seconds = ContextVar("busy_seconds", default=0.0)

# jit and parallel workers cost more than these short queries; generic plans can't see how new the newest rows are.
_LIMITS = """
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout};
SET LOCAL idle_in_transaction_session_timeout = '60s';
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL work_mem = '16MB'
"""
"""A process that is frozen in the middle keeps no snapshot for longer than a minute: vacuum waits for it."""


async def database_now(conn: Conn) -> datetime:
    """Read the database's clock: the time at which the transaction began."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT now()")
        now: datetime = await cursor.fetchone()  # type: ignore[assignment]  # a row there is
        return now


def busy_seconds() -> float:
    """How long the current task has kept databases at work: without waiting for its turn, and without the network."""
    return _busy_seconds.get()


class _Line(AsyncConnection[TupleRow]):
    """A connection that hangs up when it is told to stop waiting, or when the server has gone dead without a word."""

    patience = _SILENT_SECONDS

    async def wait(
        self,
        gen: PQGen[Result],
        interval: float = _CHECK_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109 -- psycopg calls it so
    ) -> Result:
        try:
            async with asyncio.timeout(timeout or self.patience):
                return await wait_async(gen, self.pgconn.socket, interval)
        except asyncio.CancelledError:
            await self._hang_up()
            raise
        except TimeoutError:
            self.pgconn.finish()
            raise OperationalError(f"the server said nothing for {self.patience:g} s") from None

    async def _hang_up(self) -> None:
        """Ask the server not to work on for nobody: by itself it would notice when it has an answer."""
        try:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                with suppress(OperationalError):
                    await self.cancel_safe(timeout=_CANCEL_SECONDS)
        finally:
            self.pgconn.finish()


class StillRefusedError(ExplainedError, OperationalError):
    """The database couldn't be reached a moment ago, so this time nobody tried."""


class Database:
    """One connection to one database, shared by turns.

    ``transaction()`` raises ``psycopg.OperationalError`` while the database can't be reached; after a failed attempt
    it does so at once for some seconds, so that many waiting readers don't each wait for the same time-out.
    """

    def __init__(self, dsn: str, statement_timeout: float, *, read_only: bool) -> None:
        self._dsn = dsn
        self._read_only = read_only
        # A wait for a lock ends first, to be told from work.
        lock_timeout = min(_LOCK_SECONDS, statement_timeout / 2)
        self._limits = sql.SQL(_LIMITS).format(
            statement_timeout=sql.Literal(round(statement_timeout * 1000)),
            lock_timeout=sql.Literal(round(lock_timeout * 1000)),
        )
        self._patience = statement_timeout + _SILENT_SECONDS
        self._turn = asyncio.Lock()
        self._conn: Conn | None = None
        self._failure: tuple[float, str, Reason] | None = None

    @property
    def answers(self) -> bool:
        """Whether there is a connection, as far as was seen last."""
        return self._conn is not None and not self._conn.closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def transaction(self, *, one_moment: bool = False) -> AsyncIterator[Conn]:
        """Hold a transaction; its queries see one moment where the database is only read, or *one_moment* is set."""
        async with self._turn:
            began = monotonic()
            begun: float | None = None
            try:
                async with AsyncExitStack() as transaction:
                    conn = await self._begin(transaction)
                    if one_moment:
                        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    await conn.execute(sql.SQL("{};{}").format(sql.SQL(pinned(conn)), self._limits))
                    begun = monotonic()
                    yield conn
            except (asyncio.CancelledError, ReadOnlySqlTransaction):
                # A session stays as read-only as it began; the next one may write, or find the new primary.
                await self.close()
                raise
            except LockNotAvailable:
                begun = None  # it waited, and kept nothing busy
                raise
            except OperationalError:
                if self._conn is not None and self._conn.broken:
                    await self.close()
                raise
            finally:
                # Beginning took two round trips and no work; a query and the commit take two as well, and their work.
                begun = begun or monotonic()
                _busy_seconds.set(_busy_seconds.get() + max(0.0, monotonic() - begun - (begun - began)))

    async def _begin(self, transaction: AsyncExitStack) -> Conn:
        """Begin one; a kept connection that was cut meanwhile is replaced, as nothing is lost yet.

        What psycopg raises then depends on how it was cut: a server that says why before it hangs up makes it an
        ``InternalError`` about two results.
        """
        kept = self.answers
        try:
            return await self._begin_on(await self._connection(), transaction)
        except Error:
            if not kept:
                raise
            await self.close()
            return await self._begin_on(await self._connection(), transaction)

    async def _begin_on(self, conn: Conn, transaction: AsyncExitStack) -> Conn:
        try:
            await transaction.enter_async_context(conn.transaction())
        except FeatureNotSupported:
            # A standby, of which a pooler didn't know yet: it can be read, and refuses the first write.
            await conn.set_read_only(True)
            await transaction.enter_async_context(conn.transaction())
        return conn

    async def close(self) -> None:
        """Let go of the connection; the next transaction opens another."""
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()

    async def _connection(self) -> Conn:
        if self._conn is not None and not self._conn.closed:
            return self._conn
        if self._failure and monotonic() - self._failure[0] < _REFUSED_FOR_SECONDS:
            raise StillRefusedError(*self._failure[1:])
        try:
            conn = await _Line.connect(
                self._dsn,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                application_name="system-status exporter",
                prepare_threshold=None,
                autocommit=True,
            )
            await _prepare(conn)
        except OperationalError as error:
            self._failure = (monotonic(), line(error), reason_of(error))
            raise
        self._failure = None
        conn.patience = self._patience
        # All of it is said in each BEGIN: a role or a database may have other defaults.
        await conn.set_isolation_level(
            IsolationLevel.REPEATABLE_READ if self._read_only else IsolationLevel.READ_COMMITTED
        )
        await conn.set_read_only(self._read_only or is_standby(conn))
        await conn.set_deferrable(False)
        self._conn = conn
        return conn


async def _prepare(conn: Conn) -> None:
    try:
        prepare(conn)
    except OperationalError:
        await conn.close()
        raise
