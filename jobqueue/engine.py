"""The seam: what an engine's package offers to exporter and control API.

Reading and writing are two protocols because they run under two database roles. An engine's reader is boring:
it maps the engine's own words in SQL and answers with the rows of ``jobqueue.rows``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from jobqueue.rows import FinishedCount, LiveCount, Oldest, ScheduleRow, SlotRuns, Worker
from jobqueue.states import JobState

Conn = AsyncConnection[TupleRow]


class QueueReader(Protocol):
    """Read-only view of one queue: one method, one question, one query.

    Every method runs inside a transaction of the caller's, read-only, with a statement timeout.
    """

    async def engine_version(self, conn: Conn) -> str:
        """Say which version of the queue software runs, empty where the tables don't tell."""

    async def live_counts(self, conn: Conn) -> Sequence[LiveCount]:
        """Count the unfinished jobs; its cost follows the backlog, never the history."""

    async def oldest_ready(self, conn: Conn) -> Sequence[Oldest]:
        """Find since when the oldest due job of each type waits; one index probe a type."""

    async def oldest_active(self, conn: Conn) -> Sequence[Oldest]:
        """Find since when the longest-running job of each type runs."""

    async def slot_counts(self, conn: Conn, span: "Span") -> Mapping[int, int]:
        """Count the rows that finished in *span*, by slot of ``span.slot_seconds`` since the epoch."""

    async def slot_runs(self, conn: Conn, span: "Span") -> Sequence[SlotRuns]:
        """Aggregate the rows that finished in *span*, by slot and job type."""

    async def first_completed(self, conn: Conn) -> datetime | None:
        """Find where the completed rows begin: history before it would be failures only."""

    async def frontiers(self, conn: Conn) -> Mapping[JobState, datetime]:
        """Find the oldest finish time still held in each terminal state, absent where none is."""

    async def finished_counts(self, conn: Conn, span: "Span") -> Sequence[FinishedCount]:
        """Count the rows that finished in *span*, by slot, job type and state."""

    async def workers(self, conn: Conn) -> Sequence[Worker]:
        """List the workers with their heartbeats."""

    async def schedules(self, conn: Conn) -> Sequence[ScheduleRow]:
        """List the recurring jobs."""


class QueueControl(Protocol):
    """Writing access to one queue, for the control API; no engine implements it yet.

    Each method runs inside the caller's transaction, which also writes the audit row. Its SQL repeats the state that
    a job must be in, so that a job which moved on meanwhile is left alone.
    """

    async def run_now(self, conn: Conn, job_type: str) -> str:
        """Queue one job of a recurring type, marked as manual; answers with its id."""

    async def fail_active(self, conn: Conn, started_before: datetime, limit: int) -> int:
        """Fail at most *limit* active jobs that started before a moment; answers how many."""

    async def cancel_pending(self, conn: Conn, created_before: datetime, limit: int) -> int:
        """Cancel at most *limit* pending jobs that were created before a moment; answers how many."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of finish times, ``since <= finished_at < until``, cut into slots."""

    since: datetime
    until: datetime
    slot_seconds: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index that a reader's plans rely on: without it a poll scans history."""

    name: str
    table: str
    columns: tuple[str, ...]
    """The leading columns that matter, in order."""
    definition: sql.Composed
    """``CREATE INDEX CONCURRENTLY …``: what mends its absence."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything that differs between queue engines, for one schema of one database."""

    name: str
    schema: str
    reader: QueueReader
    tables: Mapping[str, tuple[str, ...]]
    """The columns that the reader touches, by table; never a payload."""
    indexes: tuple[Index, ...]
    retention: timedelta
    """The least time for which finished rows are kept; below an hour the poller's slots are made durable."""
    recent_jobs: sql.Composed
    """The ``select`` of this engine's part of the view ``system_status.recent_jobs``, without ``source``."""


OpenEngine = Callable[[str], Engine]
"""Makes an engine for a schema's name."""
