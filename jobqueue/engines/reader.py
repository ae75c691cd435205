"""Reads any queue: what there is to know stands in its engine's ``queries.sql``."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from psycopg import sql
from psycopg.rows import class_row
from psycopg.sql import Literal

from jobqueue import bounds
from jobqueue.engine import ANY, Capability, Conn, Room, Span
from jobqueue.engines.bounded import bounded
from jobqueue.rows import (
    FinishedCount,
    Hold,
    Listed,
    LiveCount,
    MinuteRuns,
    NewRuns,
    Oldest,
    ScheduleRow,
    SlotCount,
    Worker,
)
from jobqueue.sql import array_literal, load
from jobqueue.states import JobState

Row = TypeVar("Row")


def queries(package: str, schema: str, **pieces: sql.Composed) -> Mapping[str, sql.Composed]:
    """Load an engine's queries, and those that ``finished.sql`` makes of its ``finished``; its own ones win.

    *pieces* stand in several of them, as ``{name}``. What they answer is bounded.
    """
    own = load(package, "queries.sql", schema=schema, schema_name=Literal(schema), **pieces)
    newer = load("jobqueue.engines", "newer.sql", schema_name=Literal(schema))
    return bounded({**of_finished(own["finished"]), **newer, **own})


def of_finished(finished: sql.Composed) -> Mapping[str, sql.Composed]:
    """Load the queries that ``finished.sql`` makes of an engine's ``finished``."""
    return load("jobqueue.engines", "finished.sql", finished=finished, **bounds.literals())


class SqlReader:
    """A ``QueueReader`` whose every answer is one named query; an engine overrides what takes more.

    *lacks* holds for all versions, *newer* for those in which query ``parts`` doesn't find what they need. Where it
    does, the columns of *newer_tables* may still be forbidden: an engine's upgrade brings tables, but no grants.
    """

    def __init__(
        self,
        queries: Mapping[str, sql.Composed],
        lacks: Mapping[Capability, str] = MappingProxyType({}),
        newer: Mapping[Capability, str] = MappingProxyType({}),
        newer_tables: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self.queries = queries
        self._lacks = lacks
        self._newer = newer
        wanted = [(table, column) for table, columns in newer_tables.items() for column in columns]
        self._wanted = {"tables": [table for table, _ in wanted], "columns": [column for _, column in wanted]}

    async def lacking(self, conn: Conn) -> Mapping[Capability, str]:
        """Say what the engine lacks in any version, and in this one."""
        if not self._newer:
            return self._lacks
        if not await self._value(conn, "parts"):
            return {**self._lacks, **self._newer}
        forbidden = await self._forbidden(conn)
        return self._lacks if forbidden is None else {**self._lacks, **dict.fromkeys(self._newer, forbidden)}

    async def engine_version(self, conn: Conn) -> str:
        """Say which version runs; one that is old, or that may not be asked, may have to be asked otherwise."""
        older = "older_version" in self.queries and not await self._is_newer(conn)
        version: str | None = await self._value(conn, "older_version" if older else "engine_version")
        return version or ""

    async def live_counts(self, conn: Conn, room: Room = ANY) -> Sequence[LiveCount]:
        """Count the unfinished jobs."""
        counts = []
        async with conn.cursor() as cursor:
            await cursor.execute(self.queries["live_counts"], room.values)
            async for job_type, state, jobs, ahead, others in cursor:
                if state == JobState.PENDING:
                    counts.append(LiveCount(job_type, JobState.SCHEDULED, ahead, others))
                    jobs -= ahead
                counts.append(LiveCount(job_type, JobState(state), jobs, others))
        return counts

    async def oldest_ready(self, conn: Conn, room: Room = ANY) -> Sequence[Oldest]:
        """Find since when the oldest due job of each type waits."""
        return await self._rows(conn, Oldest, "oldest_ready", room.values)

    async def oldest_active(self, conn: Conn, room: Room = ANY) -> Sequence[Oldest]:
        """Find since when the longest-running job of each type runs."""
        return await self._rows(conn, Oldest, "oldest_active", room.values)

    async def slot_counts(self, conn: Conn, span: Span) -> Mapping[int, SlotCount]:
        """Count the rows that finished in *span* by slot."""
        async with conn.cursor() as cursor:
            await cursor.execute(self.queries["slot_counts"], asdict(span))
            return {slot: SlotCount(rows, stamps) async for slot, rows, stamps in cursor}

    async def new_runs(
        self, conn: Conn, span: Span, room: Room = ANY, *, counted: Iterable[int] = (), keep_ends: bool = False
    ) -> NewRuns:
        """Aggregate the ends in *span* that aren't *counted* yet."""
        ends = {"counted": array_literal(counted), "keep_ends": keep_ends}
        async with conn.cursor() as cursor:
            await cursor.execute(self.queries["new_runs"], asdict(span) | room.values | ends)
            found = await cursor.fetchall()
        return NewRuns(
            [MinuteRuns(*row) for *row, slot, _ in found if slot is None],
            {slot: ends for *_, slot, ends in found if slot is not None},
        )

    async def first_completed(self, conn: Conn) -> datetime | None:
        """Find where the completed rows begin."""
        first: datetime | None = await self._value(conn, "first_completed")
        return first

    async def frontiers(self, conn: Conn) -> Mapping[JobState, datetime]:
        """Find the oldest finish time still held in each terminal state."""
        async with conn.cursor() as cursor:
            await cursor.execute(self.queries["frontiers"])
            return {JobState(state): since async for state, since in cursor if since is not None}

    async def finished_counts(self, conn: Conn, span: Span, room: Room = ANY) -> Sequence[FinishedCount]:
        """Count the rows that finished in *span* by slot, type and state."""
        async with conn.cursor() as cursor:
            await cursor.execute(self.queries["finished_counts"], asdict(span) | room.values)
            return [
                FinishedCount(slot, job_type, JobState(state), jobs, others)
                async for slot, job_type, state, jobs, others in cursor
            ]

    async def workers(self, conn: Conn, lag: timedelta = timedelta()) -> Listed[Worker]:
        """List the workers; none where the engine has no such query, or this version no table that we may read."""
        if Capability.HEARTBEATS in self._newer and not await self._is_newer(conn):
            return Listed()
        return await self._listed(conn, Worker, "workers", {"lag": lag})

    async def schedules(self, conn: Conn) -> Listed[ScheduleRow]:
        """List the recurring jobs; none where the engine has no such query."""
        return await self._listed(conn, ScheduleRow, "schedules")

    async def schedule(self, conn: Conn, job_type: str) -> ScheduleRow | None:
        """Find one recurring job."""
        found = await self._listed(conn, ScheduleRow, "schedule", {"job_type": job_type})
        return found.rows[0] if found.rows else None

    async def ticks(self, conn: Conn, job_types: Collection[str] = ()) -> Mapping[str, datetime]:
        """Find the newest ticks; none where the engine has no such query."""
        if "ticks" not in self.queries:
            return {}
        async with conn.cursor() as cursor:
            await cursor.execute(self.queries["ticks"], {"asked": list(job_types)})
            return dict(await cursor.fetchall())

    async def holds(self, conn: Conn, job_types: Collection[str]) -> Mapping[str, Hold]:
        """Find what kept ticks away; nothing where the engine has no such query."""
        if "holds" not in self.queries:
            return {}
        async with conn.cursor() as cursor:
            await cursor.execute(self.queries["holds"], {"asked": list(job_types)})
            return {job_type: Hold(since, until) async for job_type, since, until in cursor}

    async def _is_newer(self, conn: Conn) -> bool:
        """Whether what came with a version is there, and may be read."""
        return not self._newer or (bool(await self._value(conn, "parts")) and await self._forbidden(conn) is None)

    async def _forbidden(self, conn: Conn) -> str | None:
        """Say which of the newer tables may not be read, by whom, and what mends it."""
        row = await (await conn.execute(self.queries["unreadable"], self._wanted)).fetchone()
        return None if row is None else f"role {row[0]} may not read {row[1]}: run python -m jobqueue grants again"

    async def _value(self, conn: Conn, query: str) -> Any:
        async with conn.cursor() as cursor:
            await cursor.execute(self.queries[query])
            row = await cursor.fetchone()
            return row and row[0]

    async def _rows(
        self, conn: Conn, row_type: type[Row], query: str, values: Mapping[str, object] | None = None
    ) -> list[Row]:
        if query not in self.queries:
            return []
        async with conn.cursor(row_factory=class_row(row_type)) as cursor:
            await cursor.execute(self.queries[query], values)
            return await cursor.fetchall()

    async def _listed(
        self, conn: Conn, row_type: type[Row], query: str, values: Mapping[str, object] | None = None
    ) -> Listed[Row]:
        """Rows that each end with the number of all there are."""
        if query not in self.queries:
            return Listed()
        found = await (await conn.execute(self.queries[query], values)).fetchall()
        return Listed([row_type(*row) for *row, _ in found], found[0][-1] - len(found) if found else 0)
