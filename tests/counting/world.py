"""A queue with a clock of its own: jobs that finish, commit late, and are deleted; and exporters that come and go."""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from psycopg import AsyncConnection

from exporter.counting.day import Growth
from exporter.counting.late import LateRuns
from exporter.counting.reads import Reads
from exporter.counting.runs import Runs
from exporter.counting.store import RunStore
from exporter.counting.tally import Tally
from exporter.database import Database
from jobqueue.engine import ANY, Conn
from jobqueue.engines import open_engine

START = datetime(2026, 3, 1, 12, 0, 17, tzinfo=UTC)
SETTLE = timedelta(seconds=120)

_sources = count(1)
_FINISH = """
INSERT INTO ascent.jobs (id, job_type, state, retries, run_after, created_at, started_at, finished_at)
OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE
   SET state = excluded.state, retries = excluded.retries, run_after = excluded.run_after,
       created_at = excluded.created_at, started_at = excluded.started_at, finished_at = excluded.finished_at
"""
_RETRY = "UPDATE ascent.jobs SET state = 'pending', started_at = NULL, finished_at = NULL WHERE id = ANY (%s)"


@dataclass(frozen=True, slots=True)
class Job:
    job_type: str
    state: str
    duration: float
    wait: float
    retries: int
    finished_at: datetime

    @property
    def is_run(self) -> bool:
        return self.state != "cancelled"

    @property
    def started_at(self) -> datetime:
        return self.finished_at - timedelta(seconds=self.duration)

    @property
    def due_at(self) -> datetime:
        return self.started_at - timedelta(seconds=self.wait)


def bucket(seconds: float) -> int:
    """The definition of a bucket, written another way than in SQL: by trying."""
    if seconds <= 1e-6:
        return max(-320, math.ceil(16 * math.log2(max(seconds, 1e-9)) - 1e-9))
    guess = round(16 * math.log2(seconds)) - 2
    while seconds > 2 ** (guess / 16) * (1 + 1e-12):
        guess += 1
    return guess


def truth(jobs: Iterable[Job]) -> dict[str, Runs]:
    totals: defaultdict[str, Runs] = defaultdict(Runs)
    for job in jobs:
        total = totals[job.job_type]
        if not job.is_run:
            total.cancelled += 1
            continue
        duration = (job.finished_at - job.started_at).total_seconds()
        wait = (job.started_at - job.due_at).total_seconds()
        total.add(
            Runs(
                runs=1,
                failures=job.state == "failed",
                retries=job.retries,
                run_seconds=duration,
                run_max=duration,
                wait_seconds=wait,
                last_run_at=job.finished_at,
                last_success_at=job.finished_at if job.state == "completed" else None,
            )
        )
        total.durations[bucket(duration)] += 1
        total.waits[bucket(wait)] += 1
    return dict(totals)


@dataclass
class SinceStart:
    """What an exporter's counters would show."""

    totals: defaultdict[str, Runs] = field(default_factory=lambda: defaultdict(Runs))

    def add(self, growth: Iterable[Growth]) -> None:
        for _, job_type, runs in growth:
            self.totals[job_type].add(runs)


class World:
    def __init__(self, address: str) -> None:
        self.now = START
        self.source = f"s{next(_sources)}"
        self.committed: list[Job] = []
        self.room = ANY
        self._address = address
        self._to_commit: list[tuple[datetime, int, int, Job]] = []
        self._numbers = count()
        self._ids = count(1)
        self._finished: dict[int, Job] = {}
        self._seen: set[int] = set()
        self._conn: AsyncConnection | None = None
        self._exporters: list[Exporter] = []

    async def open(self) -> "World":
        self._conn = await AsyncConnection.connect(self._address, autocommit=True)
        await self._conn.execute("TRUNCATE ascent.jobs")
        return self

    async def close(self) -> None:
        for exporter in self._exporters:
            await exporter.close()
        if self._conn:
            await self._conn.close()

    def exporter(self) -> "Exporter":
        exporter = Exporter(self, self._address, self.source)
        self._exporters.append(exporter)
        return exporter

    def finish(self, job: Job, late: float, row: int | None = None) -> None:
        """Let a job finish whose transaction commits *late* seconds after its finish time; a new one without *row*."""
        commits_at = max(self.now, job.finished_at + timedelta(seconds=late))
        heapq.heappush(self._to_commit, (commits_at, next(self._numbers), row or next(self._ids), job))

    def polled(self) -> None:
        """Note that a poll of somebody's has seen the table as it is."""
        self._seen = set(self._finished)

    async def retry(self, random: Random, jobs: int) -> dict[int, Job]:
        """Let somebody retry jobs that have ended, as a poll has seen; answers their rows.

        None that ended at the edge of a minute: several end at one microsecond there, and of two reads between which
        one of them leaves and another comes with the same finish time nobody can tell that they differ.
        """
        assert self._conn is not None
        seen = self._seen & self._finished.keys()
        ended = sorted(row for row in seen if self._finished[row].finished_at.microsecond not in (999_999, 0, 1))
        retried = {row: self._finished.pop(row) for row in random.sample(ended, min(jobs, len(ended)))}
        await self._conn.execute(_RETRY, [list(retried)])
        return retried

    async def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        rows = []
        while self._to_commit and self._to_commit[0][0] <= self.now:
            *_, row, job = heapq.heappop(self._to_commit)
            self.committed.append(job)
            self._finished[row] = job
            self._seen.discard(row)
            times = (job.due_at, job.due_at, job.started_at, job.finished_at)
            rows.append((row, job.job_type, job.state, job.retries, *times))
        if rows:
            assert self._conn is not None
            async with self._conn.cursor() as cursor:
                await cursor.executemany(_FINISH, rows)

    async def commit_everything(self) -> None:
        if self._to_commit:
            await self.advance(max(0.0, (max(self._to_commit)[0] - self.now).total_seconds()))

    async def delete_finished_before(self, seconds: float) -> None:
        assert self._conn is not None
        before = self.now - timedelta(seconds=seconds)
        await self._conn.execute("DELETE FROM ascent.jobs WHERE finished_at < %s", [before])
        self._finished = {row: job for row, job in self._finished.items() if job.finished_at >= before}

    async def table(self) -> dict[str, Runs]:
        """What ``run_minutes`` says, all minutes added up."""
        totals: defaultdict[str, Runs] = defaultdict(Runs)
        async with Database(self._address, 30, read_only=True) as database:
            for (_, job_type), runs in (await RunStore(database, self.source).minutes(0)).items():
                totals[job_type].add(runs)
        return dict(totals)


class Crash(BaseException):
    """The process dies here."""


class MortalStore(RunStore):
    """A store in whose process a crash may happen just before or just after a commit."""

    crash: str | None = None
    overtaken_by: "Exporter | None" = None

    async def write(self, *args: object, **kwargs: object) -> None:
        if self.crash == "before commit":
            raise Crash
        other, self.overtaken_by = self.overtaken_by, None
        if other is not None:
            await other.poll()
        await super().write(*args, **kwargs)  # type: ignore[arg-type]
        if self.crash == "after commit":
            raise Crash

    def lose(self) -> None:
        """Have the database of our tables refuse every connection from now on."""
        self._database = Database("postgresql://nobody@127.0.0.1:1/nowhere", 1, read_only=False)


class Exporter:
    """One exporter process: it has a memory, and loses it when it starts again."""

    def __init__(self, world: World, address: str, source: str) -> None:
        self._world = world
        self._queue = Database(address, 30, read_only=True)
        self._store_database = Database(address, 30, read_only=False)
        self._source = source
        self.polled_at = world.now
        self.lives: list[SinceStart] = []
        self.restart()

    def restart(self) -> None:
        self.lives.append(SinceStart())
        self.store = MortalStore(self._store_database, self._source)
        reader = open_engine("ascent", None).reader
        reads = Reads(reader, self._queue, lambda: self._world.room)
        self.tally = Tally(reader, self._queue, reads, self.store, settle=SETTLE, clock=self._clock)
        self.late = LateRuns(reads, self.store, self.tally)
        self.tally.followers.append(self.lives[-1])

    async def poll(self) -> None:
        await self.tally.poll()
        self._world.polled()
        self.polled_at = self._world.now

    async def crash(self, when: str) -> None:
        self.store.crash = when
        with suppress(Crash):
            await self.tally.poll()
        self.restart()

    async def look_for_late_runs(self) -> None:
        """Look at each hour since the beginning."""
        for _ in range(2 + (self._world.now - START) // timedelta(hours=1)):
            await self.late.look()

    def counters(self) -> dict[str, Runs]:
        """What the counters grew by over all lives, as Prometheus adds them up."""
        totals: defaultdict[str, Runs] = defaultdict(Runs)
        for life in self.lives:
            for job_type, runs in life.totals.items():
                totals[job_type].add(runs)
        return dict(totals)

    async def close(self) -> None:
        await self._queue.close()
        await self._store_database.close()

    async def _clock(self, conn: Conn) -> datetime:
        return self._world.now


def assert_same(found: dict[str, Runs], expected: dict[str, Runs]) -> None:
    """Equal in every count and every bucket; seconds to a microsecond a run."""
    assert found.keys() == expected.keys()
    for job_type, runs in expected.items():
        known = found[job_type]
        for name in ("runs", "failures", "retries", "cancelled", "run_max", "last_run_at", "last_success_at"):
            assert getattr(known, name) == getattr(runs, name), (job_type, name)
        assert dict(known.durations) == dict(runs.durations), job_type
        assert dict(known.waits) == dict(runs.waits), job_type
        assert math.isclose(known.run_seconds, runs.run_seconds, abs_tol=1e-6 * (runs.runs + 1)), job_type
        assert math.isclose(known.wait_seconds, runs.wait_seconds, abs_tol=1e-6 * (runs.runs + 1)), job_type
