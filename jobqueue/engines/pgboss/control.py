"""Changes pg-boss; newer versions keep a count that goes with the rows."""

from datetime import datetime

from jobqueue.engine import Cleanup, Conn
from jobqueue.engines.control import SqlControl


class PgbossControl(SqlControl):
    """A ``QueueControl`` over pg-boss' tables."""

    async def clean(self, conn: Conn, cleanup: Cleanup, before: datetime, batch: int, reason: str) -> int:
        """Touch at most *batch* rows, and lower what pg-boss keeps of their number."""
        if cleanup is not Cleanup.COMPLETED or await self._first(conn, "keeps_count") != (True,):
            return await super().clean(conn, cleanup, before, batch, reason)
        values = {"before": before, "batch": batch}
        return (await conn.execute(self._queries["completed_and_counted"], values)).rowcount

    async def _first(self, conn: Conn, query: str) -> object:
        return await (await conn.execute(self._queries[query])).fetchone()
