"""Reads Graphile Worker; what has finished stands in the recorder's table, where there is one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from psycopg import sql

from jobqueue.engine import ANY, Capability, Conn, Room, Span
from jobqueue.engines.reader import SqlReader
from jobqueue.rows import FinishedCount, NewRuns, SlotCount
from jobqueue.states import JobState

_UNRECORDED = "finished jobs are deleted; record them with python -m jobqueue migrate --record-completions"


class GraphileReader(SqlReader):
    """A ``QueueReader`` over Graphile Worker's view; *recorded* has the queries over the recorder's table.

    *by_records* are those over the view that ask the records when a job was given up.
    """

    def __init__(
        self,
        queries: Mapping[str, sql.Composed],
        recorded: Mapping[str, sql.Composed],
        by_records: Mapping[str, sql.Composed],
        lacks: Mapping[Capability, str],
    ) -> None:
        super().__init__(queries, lacks)
        self.recorded = SqlReader(recorded)
        self.by_records = SqlReader(by_records)

    async def lacking(self, conn: Conn) -> Mapping[Capability, str]:
        """Say what there is no trace of."""
        lacks = await super().lacking(conn)
        if await self._records(conn):
            return lacks
        unrecorded = (Capability.COMPLETIONS, Capability.WAITS, Capability.RETRIES)
        return {**lacks, **dict.fromkeys(unrecorded, _UNRECORDED)}

    async def slot_counts(self, conn: Conn, span: Span) -> Mapping[int, SlotCount]:
        """Count what was recorded; without a recorder, what was given up."""
        if await self._records(conn):
            return await self.recorded.slot_counts(conn, span)
        return await super().slot_counts(conn, span)

    async def new_runs(
        self, conn: Conn, span: Span, room: Room = ANY, *, counted: Iterable[int] = (), keep_ends: bool = False
    ) -> NewRuns:
        """Aggregate what was recorded; without a recorder, what was given up."""
        read = self.recorded.new_runs if await self._records(conn) else super().new_runs
        return await read(conn, span, room, counted=counted, keep_ends=keep_ends)

    async def first_completed(self, conn: Conn) -> datetime | None:
        """Find where the records begin."""
        return await self.recorded.first_completed(conn) if await self._records(conn) else None

    async def frontiers(self, conn: Conn) -> Mapping[JobState, datetime]:
        """Find the oldest end of a job that was given up."""
        if await self._knows_ends(conn):
            return await self.by_records.frontiers(conn)
        return await super().frontiers(conn)

    async def finished_counts(self, conn: Conn, span: Span, room: Room = ANY) -> Sequence[FinishedCount]:
        """Count the jobs that were given up in *span*, where the runs were that were recorded."""
        if await self._knows_ends(conn):
            return await self.by_records.finished_counts(conn, span, room)
        return await super().finished_counts(conn, span, room)

    async def _knows_ends(self, conn: Conn) -> bool:
        return await self._records(conn) and bool(await self._value(conn, "knows_ends"))

    async def _records(self, conn: Conn) -> bool:
        there: bool = await self._value(conn, "is_there")
        return there
