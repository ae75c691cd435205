"""Keeps the queue of one source from being read, and counted, under a name that stands for another queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from exporter.database import Database
from exporter.trouble import ExplainedError
from jobqueue.engine import Conn, Engine
from jobqueue.reasons import Reason
from jobqueue.tables.identity import Place, identity, name_taken, place, register

log = structlog.get_logger()


class NameTakenError(ExplainedError):
    """The source's name stands for another queue; the text says for which, and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text, Reason.IDENTITY)


class NotSeenError(ExplainedError):
    """The queue's database hasn't been seen yet, so nobody knows whether the name is its own."""

    def __init__(self) -> None:
        super().__init__("the queue's database hasn't been seen yet, see collector server", Reason.OTHER)


class SourceIdentity:
    """What is known of one source: where its queue is, and whether its name is free for it."""

    def __init__(self, source: str, engine: Engine) -> None:
        self._source = source
        self._engine = engine
        self._queue: tuple[Conn, Place] | None = None
        self._tables: tuple[Conn, Place] | None = None
        self._refusal: str | None = None

    async def see(self, queue: Conn) -> None:
        """Look where the queue is, with each new connection: a failover or a changed name may lead elsewhere."""
        if self._queue is None or self._queue[0] is not queue:
            self._queue = queue, await place(queue)

    def check(self) -> None:
        """Raise ``NameTakenError`` while the name is known to stand for another queue."""
        if self._refusal is not None:
            raise NameTakenError(self._refusal)

    async def confirm(self, tables: Conn) -> None:
        """Take the name where our tables are, or find that it is taken. Raises ``NameTakenError``, ``NotSeenError``."""
        if self._queue is None:
            raise NotSeenError
        if self._tables is None or self._tables[0] is not tables:
            self._tables = tables, await place(tables)
        own = identity(self._engine.name, self._engine.schema, self._queue[1], self._tables[1])
        found = await register(tables, self._source, own)
        refusal = None if found.is_same(own) else name_taken(self._source, found, own)
        if refusal is not None and refusal != self._refusal:
            log.error("source.name_taken", source=self._source, error=refusal)
        self._refusal = refusal
        self.check()


class SourceStore(Database):
    """The database of our tables, for one source: no transaction is had while its name is another queue's."""

    def __init__(self, dsn: str, statement_timeout: float, identity: SourceIdentity) -> None:
        super().__init__(dsn, statement_timeout, read_only=False)
        self._identity = identity

    @asynccontextmanager
    async def transaction(self, *, one_moment: bool = False) -> AsyncIterator[Conn]:
        """Hold a transaction, after the name was confirmed in it."""
        async with super().transaction(one_moment=one_moment) as conn:
            await self._identity.confirm(conn)
            yield conn
