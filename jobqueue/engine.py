"""The seam: what an engine's package offers to exporter and control API.

Reading and writing are two protocols because they run under two database roles. An engine's reader is boring:
it maps the engine's own words in SQL and answers with the rows of ``jobqueue.rows``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from jobqueue import bounds
from jobqueue.dialects import Dialect
from jobqueue.rows import (
    Concerned,
    FinishedCount,
    Hold,
    Listed,
    LiveCount,
    NewRuns,
    Oldest,
    ScheduleRow,
    SlotCount,
    Worker,
)
from jobqueue.states import JobState

Conn = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Room:
    """Which job types an answer has by their names: all that are *known*, and others up to so many *places* with them.

    The rest is added up as ``bounds.OTHER``.
    """

    known: Collection[str] = ()
    places: int = bounds.JOB_TYPES_BESIDE

    @property
    def values(self) -> dict[str, object]:
        """For the queries of ``engines/bounded.sql``."""
        return {"known": list(self.known), "places": self.places}


ANY = Room()
"""Nobody is known yet."""


class QueueReader(Protocol):
    """Read-only view of one queue: one method, one question, one query.

    Every method runs inside a transaction of the caller's, read-only, with a statement timeout. Every text and every
    list is bounded (``jobqueue.bounds``).
    """

    async def lacking(self, conn: Conn) -> "Mapping[Capability, str]":
        """Say what can't be had from these tables, and why: ``Engine.lacks``, and what their version lacks."""

    async def engine_version(self, conn: Conn) -> str:
        """Say which version of the queue software runs, empty where the tables don't tell."""

    async def live_counts(self, conn: Conn, room: Room = ANY) -> Sequence[LiveCount]:
        """Count the unfinished jobs; its cost follows the backlog, never the history."""

    async def oldest_ready(self, conn: Conn, room: Room = ANY) -> Sequence[Oldest]:
        """Find since when the oldest due job of each type waits; one index probe a type."""

    async def oldest_active(self, conn: Conn, room: Room = ANY) -> Sequence[Oldest]:
        """Find since when the longest-running job of each type runs."""

    async def slot_counts(self, conn: Conn, span: "Span") -> Mapping[int, SlotCount]:
        """Count the rows that finished in *span*, by slot of ``span.slot_seconds`` since the epoch."""

    async def new_runs(
        self, conn: Conn, span: "Span", room: Room = ANY, *, counted: Iterable[int] = (), keep_ends: bool = False
    ) -> NewRuns:
        """Aggregate the ends in *span* that aren't *counted* yet; name them where *keep_ends*."""

    async def first_completed(self, conn: Conn) -> datetime | None:
        """Find where the completed rows begin: history before it would be failures only."""

    async def frontiers(self, conn: Conn) -> Mapping[JobState, datetime]:
        """Find the oldest finish time still held in each terminal state, absent where none is."""

    async def finished_counts(self, conn: Conn, span: "Span", room: Room = ANY) -> Sequence[FinishedCount]:
        """Count the rows that finished in *span*, by slot, job type and state."""

    async def workers(self, conn: Conn, lag: timedelta = timedelta()) -> Listed[Worker]:
        """List the workers with their heartbeats, those that were seen last first.

        Who is online is judged as of *lag* ago: so far behind its primary a standby may be.
        """

    async def schedules(self, conn: Conn) -> Listed[ScheduleRow]:
        """List the recurring jobs that stand in the database, by name."""

    async def schedule(self, conn: Conn, job_type: str) -> ScheduleRow | None:
        """Find one recurring job by its whole name, however many there are."""

    async def ticks(self, conn: Conn, job_types: Collection[str] = ()) -> Mapping[str, datetime]:
        """Find when the newest tick of each recurring job got its job, where the database holds no more of it.

        Those of *job_types* come first, where there isn't room for all.
        """

    async def holds(self, conn: Conn, job_types: Collection[str]) -> Mapping[str, Hold]:
        """Find when a job kept the ticks of a recurring job away last; those of *job_types* come first.

        Only where the tables tell that a job forbids a second one.
        """


class Capability(StrEnum):
    """What an engine's tables may make possible or not; the values of the label ``capability``."""

    COMPLETIONS = "completions"
    """Finished runs leave a trace: they are counted, with their durations."""
    WAITS = "waits"
    """How long a finished run had waited is known."""
    RETRIES = "retries"
    """How many retries a finished run had needed is known."""
    HEARTBEATS = "heartbeats"
    """Workers say that they are alive."""
    SCHEDULES = "schedules"
    """Recurring jobs stand in the database; otherwise in the configuration, under ``schedules``."""
    TICKS = "ticks"
    """When a recurring job's newest tick got its job is known, and so are missed ones."""
    RUN_NOW = "run_now"
    """A recurring job can be queued by hand."""
    FAIL_ACTIVE = "fail_active"
    """An active job can be failed, and stays so when its worker comes to its end."""
    CANCEL_PENDING = "cancel_pending"
    """A waiting job can be cancelled."""
    JANITOR = "janitor"
    """What is old can be cleaned up."""


class Cleanup(StrEnum):
    """What a clean-up touches, and how."""

    ACTIVE = "active"
    """Active jobs become failed; age since their start."""
    PENDING = "pending"
    """Pending jobs become cancelled; age since they became due. Those due later stay."""
    COMPLETED = "completed"
    """Completed jobs are deleted; age since their end."""
    FAILED = "failed"
    """Failed jobs are deleted; age since their end."""
    WORKERS = "workers"
    """Workers are forgotten; age since their last heartbeat."""
    TOKENS = "tokens"
    """Idempotency tokens are deleted; age since they expired."""


class CannotRun(Exception):  # noqa: N818 -- it says what is the matter
    """A recurring job can't be queued at present; ``str`` is the reason."""


class QueueControl(Protocol):
    """Writing access to one queue, for the control API.

    Each method runs inside the caller's transaction, which also writes the audit row. Its SQL repeats the state that
    a row must be in, and passes over rows that somebody holds: no worker waits for it.
    """

    @property
    def cleanups(self) -> Collection[Cleanup]:
        """The clean-ups that the engine tolerates."""

    async def refusal(self, conn: Conn) -> str | None:
        """Say why nothing may be changed in this database, with the remedy; None where everything may."""

    async def run_now(self, conn: Conn, job_type: str) -> str | None:
        """Queue one job of a recurring type; answers its id, None when the database knows no such schedule.

        Raises ``CannotRun``.
        """

    async def concerned(self, conn: Conn, cleanup: Cleanup, before: datetime, at_most: int) -> Sequence[Concerned]:
        """Say what ``clean`` would touch, looking at *at_most* rows: the cost follows them, never what is stored."""

    async def at_active(self, conn: Conn, at_most: int) -> Collection[str] | None:
        """Name the workers that active jobs are with, looking at *at_most* jobs.

        None where the reader's workers are at work by their jobs anyway, or nobody knows.
        """

    async def clean(self, conn: Conn, cleanup: Cleanup, before: datetime, batch: int, reason: str) -> int:
        """Touch at most *batch* rows older than *before*; answers how many.

        *reason* becomes the last error of the jobs that end by it.
        """


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
class Recorder:
    """Triggers that record the runs that an engine deletes, in ``system_status.recorded_runs``; made when asked for."""

    install: sql.Composed
    """May be run twice."""
    too_long: str | None
    """Why it can't be installed for this schema: the names of its functions would be cut, and be those of another."""
    remove: sql.Composed
    """Leaves no trace."""
    is_there: sql.Composed
    """Query: whether the triggers are installed and enabled."""
    lends_rights: sql.Composed
    """Query: whether an older version is installed, whose functions run with their owner's rights."""
    unrecorded_roles: sql.Composed
    """Query: the roles that may change jobs but not record their ends, a row each; only where it ``is_there``."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything that differs between queue engines, for one schema of one database."""

    name: str
    schema: str
    reader: QueueReader
    control: QueueControl
    tables: Mapping[str, tuple[str, ...]]
    """The columns that the reader touches, by table; never a payload."""
    indexes: tuple[Index, ...]
    janitor_by_itself: bool
    """Whether our janitor runs unasked: not on a queue whose owner has never heard of its limits."""
    dialect: Dialect
    """How its scheduler reads a cron expression."""
    retention: timedelta
    """The least time for which finished rows are kept; below an hour the poller's slots are made durable."""
    control_grants: Callable[[str], sql.Composed]
    """What the role of that name needs for ``control``."""
    recent_jobs: sql.Composed
    """The ``select`` of this engine's part of the view ``system_status.recent_jobs``, without ``source``."""
    newer_tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Like ``tables``; they come with a version, and a capability is lacking without them."""
    lacks: Mapping[Capability, str] = field(default_factory=dict)
    """What no version of the engine makes possible, and why, in words that follow a colon."""
    states: frozenset[JobState] = frozenset(JobState)
    """The states that its jobs can be found in; a count of the others would be a made-up zero."""
    recorder: Recorder | None = None
    """For an engine that deletes finished jobs."""


OpenEngine = Callable[[str], Engine]
"""Makes an engine for a schema's name."""
