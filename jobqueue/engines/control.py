"""Changes any queue: what there is to know stands in its engine's ``control.sql``."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from psycopg import sql
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from jobqueue.engine import CannotRun, Cleanup, Conn
from jobqueue.engines.bounded import bounded_control
from jobqueue.rows import Concerned


class SqlControl:
    """A ``QueueControl`` whose every action is a named query.

    ``run_now`` answers with the new job's id, or with NULL and the reason why not. A clean-up has the name of its
    ``Cleanup`` and a twin ``…_concerned``; one that isn't there isn't tolerated. ``session``, where there is one, runs
    before each change: the engine's triggers need its schema in the search path. A role that may create objects in that
    schema could then run code as us, so ``refused`` answers the reason not to.
    """

    def __init__(self, queries: Mapping[str, sql.Composed]) -> None:
        self.queries = bounded_control(queries)

    @property
    def cleanups(self) -> Collection[Cleanup]:
        """The clean-ups that have a query."""
        return [cleanup for cleanup in Cleanup if cleanup in self.queries]

    async def refusal(self, conn: Conn) -> str | None:
        """Say why the engine's triggers can't be run safely, where there are any that need the search path."""
        if "refused" not in self.queries:
            return None
        row = await (await conn.execute(self.queries["refused"])).fetchone()
        return row[0] if row else None

    async def run_now(self, conn: Conn, job_type: str) -> str | None:
        """Queue one job as the schedule would."""
        await self._begin(conn)
        try:
            row = await (await conn.execute(self.queries["run_now"], {"job_type": job_type})).fetchone()
        except UniqueViolation:
            raise CannotRun("a job of it waits already, and the queue takes no second one") from None
        if row is None:
            return None
        job_id, refusal = row
        if job_id is None:
            raise CannotRun(refusal)
        return str(job_id)

    async def concerned(self, conn: Conn, cleanup: Cleanup, before: datetime, at_most: int) -> Sequence[Concerned]:
        """Say what ``clean`` would touch, of *at_most* rows."""
        async with conn.cursor(row_factory=class_row(Concerned)) as cursor:
            await cursor.execute(self.queries[f"{cleanup}_concerned"], {"before": before, "at_most": at_most})
            return await cursor.fetchall()

    async def at_active(self, conn: Conn, at_most: int) -> Collection[str] | None:
        """Name the workers that active jobs are with; None where there is no such query."""
        if "at_active" not in self.queries:
            return None
        rows = await (await conn.execute(self.queries["at_active"], {"at_most": at_most})).fetchall()
        return {worker for (worker,) in rows}

    async def clean(self, conn: Conn, cleanup: Cleanup, before: datetime, batch: int, reason: str) -> int:
        """Touch at most *batch* rows."""
        await self._begin(conn)
        values = {"before": before, "batch": batch, "reason": reason}
        return (await conn.execute(self.queries[cleanup], values)).rowcount

    async def _begin(self, conn: Conn) -> None:
        if "session" in self.queries:
            await conn.execute(self.queries["session"])
