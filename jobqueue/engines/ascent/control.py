"""Changes the Ascent queue: what there is to know stands in ``control.sql``."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from jobqueue.engine import Cleanup, Conn
from jobqueue.rows import Concerned


class AscentControl:
    """A ``QueueControl`` over Ascent's tables."""

    def __init__(self, queries: Mapping[str, sql.Composed]) -> None:
        self._queries = queries

    async def run_now(self, conn: Conn, job_type: str) -> str | None:
        """Queue one job with the schedule's payload, priority and expiry."""
        cursor = await conn.execute(self._queries["run_now"], {"job_type": job_type})
        row = await cursor.fetchone()
        return str(row[0]) if row else None

    async def concerned(self, conn: Conn, cleanup: Cleanup, before: datetime, at_most: int) -> Sequence[Concerned]:
        """Say what ``clean`` would touch, of *at_most* rows."""
        async with conn.cursor(row_factory=class_row(Concerned)) as cursor:
            await cursor.execute(self._queries[f"{cleanup}_concerned"], {"before": before, "at_most": at_most})
            return await cursor.fetchall()

    async def clean(self, conn: Conn, cleanup: Cleanup, before: datetime, batch: int, reason: str) -> int:
        """Touch at most *batch* rows."""
        values = {"before": before, "batch": batch, "reason": reason}
        return (await conn.execute(self._queries[cleanup], values)).rowcount
