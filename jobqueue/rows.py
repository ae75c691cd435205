"""The rows that an engine's SQL answers with: one type for each question.

Times are timezone-aware and by the database's clock, durations are seconds. A ``job_type`` is whatever text
the queue holds: quotes, newlines and 300 characters included. How long texts and lists may be stands in
``jobqueue.bounds``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from jobqueue.dialects import Dialect
from jobqueue.states import JobState

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """The rows of a list for which there is room, and how many more there are."""

    rows: Sequence[Row] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class LiveCount:
    """How many jobs of one type stand in one live state."""

    job_type: str
    state: JobState
    jobs: int
    others: int = 0
    """How many types are added up in the row, where it is that of those without room."""


@dataclass(frozen=True, slots=True)
class Oldest:
    """Since when the oldest job of a type waits (due jobs only), or runs."""

    job_type: str
    since: datetime


@dataclass(frozen=True, slots=True)
class SlotCount:
    """The rows that finished in one slot of time: how many, and the sum of hashes of their finish times.

    Two reads that find the same found the same rows.
    """

    rows: int
    stamps: int


@dataclass(frozen=True, slots=True)
class MinuteRuns:
    """Jobs of one type that finished in one minute.

    ``minute`` is counted since the epoch. ``runs`` leaves cancelled jobs out; ``run_max`` is None
    when no run has both a start and an end. ``cells`` are packed as ``exporter.counting.cells`` says.
    """

    minute: int
    job_type: str
    runs: int
    failures: int
    retries: int
    cancelled: int
    run_seconds: float
    run_max: float | None
    wait_seconds: float
    last_run_at: datetime | None
    last_success_at: datetime | None
    cells: list[int]


@dataclass(frozen=True, slots=True)
class NewRuns:
    """What one read found beside the ends that its caller had counted.

    ``ends`` are by slot, 64 bits each: a hash of a job and its finish time.
    """

    minutes: Sequence[MinuteRuns]
    ends: Mapping[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class FinishedCount:
    """How many rows of one type and terminal state finished in one slot of time."""

    slot: int
    job_type: str
    state: JobState
    jobs: int
    others: int = 0
    """How many types are added up in the row, where it is that of those without room."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process with a heartbeat; ``online`` by the database's clock.

    ``processed`` and ``failed`` are None where the engine doesn't count by worker. Of several current jobs, the oldest.
    """

    worker: str
    hostname: str | None
    pid: int | None
    mode: str | None
    version: str | None
    online: bool
    started_at: datetime | None
    last_seen_at: datetime | None
    processed: int | None
    failed: int | None
    current_job_type: str | None
    current_started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch in which one job kept a recurring job's ticks away: the engine takes no second one beside it."""

    since: datetime
    until: datetime
    """Now, while that job waits or runs."""


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A recurring job as the queue has it; the expression may be anything."""

    job_type: str
    description: str
    cron: str
    timezone: str
    priority: int
    expire_after: timedelta | None
    enabled: bool
    last_enqueued_at: datetime | None
    """When the newest tick got its job; a manual run doesn't move it."""
    has_jobs: bool = True
    """Whether its ticks are jobs of this type: of one without any, counts would be made-up zeros."""
    dialect: Dialect = Dialect.CRONITER
    """How the expression is to be read."""
    hold: Hold | None = None
    """When a job kept its ticks away last, where the engine's tables tell."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """What a clean-up would touch: jobs of one type; a worker by its id; tokens, which have no name."""

    name: str | None
    rows: int
    oldest: datetime | None
    others: int = 0
    """How many names are added up in the row, where it is that of those without room; it has no name then."""
