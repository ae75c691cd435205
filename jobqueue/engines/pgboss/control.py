"""Changes pg-boss; newer versions keep a count that goes with the rows."""

from datetime import datetime

from jobqueue.engine import Cleanup, Conn
from jobqueue.engines.control import SqlControl


class PgbossControl(SqlControl):
    """A ``QueueControl`` over pg-boss' tables."""

    async def clean(self, conn: Conn, cleanup: Cleanup, before: datetime, batch: int, reason: str) -> int:
        """Touch at most *batch* rows, and lower what pg-boss keeps of their number."""
        if cleanup is not Cleanup.COMPLETED or not await self._keeps_count(conn):
            return await super().clean(conn, cleanup, before, batch, reason)
        gone = await (await conn.execute(self.queries[cleanup], {"before": before, "batch": batch})).fetchall()
        values = {"digests": [digest for digest, _ in gone], "times": [time for _, time in gone]}
        await conn.execute(self.queries["lower_counts"], values)
        return len(gone)

    async def _keeps_count(self, conn: Conn) -> bool:
        return await (await conn.execute(self.queries["keeps_count"])).fetchone() == (True,)
