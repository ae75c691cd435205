"""Reads Oban; producers have a table in some of its kinds only."""

from collections.abc import Mapping, Sequence

from jobqueue.engine import Capability, Conn
from jobqueue.engines.reader import SqlReader
from jobqueue.rows import Worker


class ObanReader(SqlReader):
    """A ``QueueReader`` over Oban's tables."""

    async def lacking(self, conn: Conn) -> Mapping[Capability, str]:
        """Say what this kind lacks."""
        lacks = await super().lacking(conn)
        if await self._has_producers(conn):
            return lacks
        return {**lacks, Capability.HEARTBEATS: "producers say that they are alive in Oban for Python and in Pro only"}

    async def workers(self, conn: Conn) -> Sequence[Worker]:
        """List the producers, where they have a table."""
        return await super().workers(conn) if await self._has_producers(conn) else []

    async def _has_producers(self, conn: Conn) -> bool:
        there: bool = await self._value(conn, "parts")
        return there
