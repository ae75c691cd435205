"""Reads pg-boss; what only newer versions have is looked for first."""

from collections.abc import Mapping, Sequence

from jobqueue.engine import Capability, Conn
from jobqueue.engines.reader import SqlReader
from jobqueue.rows import Worker


class PgbossReader(SqlReader):
    """A ``QueueReader`` over pg-boss' tables."""

    async def lacking(self, conn: Conn) -> Mapping[Capability, str]:
        """Say what this version lacks."""
        if await self._has_instances(conn):
            return {}
        return {Capability.HEARTBEATS: "instances say that they are alive from pg-boss 12.36 on"}

    async def engine_version(self, conn: Conn) -> str:
        """Say which version the newest instance runs, or the tables have."""
        query = "engine_version" if await self._has_instances(conn) else "schema_version"
        version: str | None = await self._value(conn, query)
        return version or ""

    async def workers(self, conn: Conn) -> Sequence[Worker]:
        """List the instances, where they have a table."""
        return await super().workers(conn) if await self._has_instances(conn) else []

    async def _has_instances(self, conn: Conn) -> bool:
        there: bool = await self._value(conn, "parts")
        return there
