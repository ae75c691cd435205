"""Where counted runs are kept: ``system_status.run_minutes``, and this process's memory while that can't be written."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from psycopg import Error, errors
from psycopg.rows import class_row

from exporter.counting.cells import pack
from exporter.counting.day import Day
from exporter.counting.ledger import Ends, Key, together
from exporter.counting.runs import Runs
from exporter.counting.times import SLOT_SECONDS, first_slot_of, moment
from exporter.database import Database
from exporter.trouble import reason_of
from jobqueue import sql
from jobqueue.bounds import line, literals
from jobqueue.engine import Conn, Room
from jobqueue.reasons import Reason
from jobqueue.rows import MinuteRuns
from jobqueue.sql import array_literal

log = structlog.get_logger()

_NOTHING = Runs()
_ROWS_PER_WRITE = 5_000
_NOT_THERE = (
    errors.InsufficientPrivilege,
    errors.UndefinedTable,
    errors.InvalidSchemaName,
    errors.UndefinedColumn,
)
"""What a missing ``migrate`` or a missing grant looks like; anything else is a failure that passes."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Up to where a source is counted, and from where; None on a first start."""

    polled_at: datetime | None = None
    counted_from: datetime | None = None
    ends_from: datetime | None = None
    """Since when all counted ends are kept."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The store at one moment: the anchor, and minutes and ends from there on."""

    anchor: Anchor
    minutes: Mapping[Key, Runs]
    ends: Ends
    forgotten: bool
    """Whether what was there of the source has been deleted, by ``migrate --forget``."""


class OutdatedError(Exception):
    """Another exporter of the source has written since this one read the store: nothing was written."""


class RunStore:
    """The memory of counting of one source.

    Rows that can't be written are kept here and written as soon as that is possible again; until then every answer
    is the table's, as far as it can be read, with these rows over it. Several exporters may write: each write names the
    one that it builds upon, and is refused when there was another.
    """

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source
        self._queries = sql.load("exporter.counting", "queries.sql", **literals())
        self._writes: int | None = None
        self._has_anchor = False
        self._unwritten: dict[Key, Runs] = {}
        self._unwritten_ends: dict[int, Sequence[int]] = {}
        self.failure: str | None = None
        """Why rows can't be written now; None when they can."""
        self.reason = Reason.OTHER
        """The same as one of a few."""
        self.was_asked = False
        """Whether anybody can know that by now."""

    async def anchor(self) -> Anchor:
        """Find where counting ended; an empty anchor where our tables aren't to be had. The next write builds on it."""
        self.was_asked = True
        try:
            async with self._database.transaction() as conn:
                return await self._read_anchor(conn)
        except Error as error:
            self._failed_to_read(error)
            return Anchor()

    async def minutes(self, first: int, end: int | None = None) -> dict[Key, Runs]:
        """Read the minutes from *first* up to *end*, not included."""
        known = await self._stored_minutes(first, end)
        for key, runs in self._unwritten.items():
            if first <= key[0] and (end is None or key[0] < end):
                known[key] = runs.greatest(known[key]) if key in known else runs
        return known

    async def ends(self, first: int) -> Ends:
        """Read the counted ends from minute *first* on, by slot."""
        try:
            async with self._database.transaction() as conn:
                return await self._read_ends(conn, first)
        except Error as error:
            self._failed_to_read(error)
            return {}

    async def is_outdated(self) -> bool:
        """Whether another exporter has written since this one read or wrote; not while nobody can say so."""
        try:
            async with self._database.transaction() as conn:
                return await self._writes_now(conn) != self._writes
        except Error as error:
            self._failed(error)
            return False

    async def reread(self, first: int) -> Stored | None:
        """Read all of it from minute *first* on, as others have written it; None while any of it can't be read.

        What this process couldn't write of those minutes is forgotten here: its ledger knows it, and compares.
        """
        older = [key for key in self._unwritten if key[0] < first]
        had_anchor = self._has_anchor
        try:
            async with self._database.transaction() as conn:
                # The anchor first: whoever writes after it is read makes the next write be refused.
                anchor = await self._read_anchor(conn)
                minutes = await self._read_minutes(conn, min([first, *(minute for minute, _ in older)]), None)
                ends = await self._read_ends(conn, first)
        except Error as error:
            self._failed(error)
            self._has_anchor = had_anchor
            return None
        if had_anchor and not self._has_anchor:
            self._unwritten, self._unwritten_ends = {}, {}
            return Stored(anchor, {}, {}, forgotten=True)
        older = [key for key in older if self._unwritten[key].finished > minutes.get(key, _NOTHING).finished]
        self._unwritten = {key: self._unwritten[key] for key in older}
        self._unwritten_ends = {}
        return Stored(anchor, {key: runs for key, runs in minutes.items() if key[0] >= first}, ends, forgotten=False)

    async def finished_by_minute(self, first: int, end: int) -> Mapping[int, int]:
        """How many ends are counted in each minute from *first* up to *end*."""
        values = {"source": self._source, "since": moment(first), "until": moment(end)}
        async with self._database.transaction() as conn:
            return dict(await (await conn.execute(self._queries["finished_by_minute"], values)).fetchall())

    async def write(self, minutes: Mapping[Key, Runs], ends: Ends, anchor: Anchor) -> None:
        """Write rows and anchor in one transaction, or keep the rows here when that fails.

        Raises ``OutdatedError`` when there is a write that wasn't read.
        """
        rows = {**self._unwritten, **minutes}
        slots = together(self._unwritten_ends, ends)
        try:
            async with self._database.transaction() as conn:
                writes = await self._write_anchor(conn, anchor)
                await self._write_minutes(conn, rows)
                await self._write_ends(conn, slots)
        except Error as error:
            self._unwritten, self._unwritten_ends = rows, slots
            self._failed(error)
        else:
            self._writes, self._unwritten, self._unwritten_ends = writes, {}, {}
            self._has_anchor = self._has_anchor or anchor.polled_at is not None
            if self.failure is not None:
                log.info("store.written", source=self._source, minutes=len(rows))
            self.failure = None

    async def day(self, first_minute: int, label: Callable[[str], str], room: Callable[[], Room]) -> Day:
        """Add up the window that begins at *first_minute*, and the last runs before it, under labels.

        Raises ``OutdatedError`` when another exporter has written meanwhile: what it wrote is told by the next poll.
        """
        day = Day(first_minute)
        try:
            async with self._database.transaction(one_moment=True) as conn:
                await self._read_day(conn, day, label, room)
        except Error as error:
            self._failed_to_read(error)
            day = Day(first_minute)
        if self._unwritten:
            first = min(minute for minute, _ in self._unwritten)
            stored = await self._stored_minutes(first)
            day.add(
                (minute, label(job_type), runs.growth_since(stored.get((minute, job_type), _NOTHING)))
                for (minute, job_type), runs in self._unwritten.items()
            )
        return day

    async def _read_day(self, conn: Conn, day: Day, label: Callable[[str], str], room: Callable[[], Room]) -> None:
        if await self._writes_now(conn) != self._writes and self.failure is None:
            raise OutdatedError
        values = {"source": self._source, "since": moment(day.first_minute), **room().values}
        async for job_type, run, success, failure in await conn.execute(self._queries["last_runs"], values):
            day.of(label(job_type)).note_last(run, success)
            day.of(label(job_type)).note_failure(failure)
        values |= room().values  # those that have got a label by now
        async for job_type, runs, failures in await conn.execute(self._queries["day_figures"], values):
            day.of(label(job_type)).runs += runs
            day.of(label(job_type)).failures += failures
        async for job_type, bucket, runs in await conn.execute(self._queries["day_durations"], values):
            day.of(label(job_type)).durations[bucket] += runs
        async for job_type, minute, run_max in await conn.execute(self._queries["day_maxima"], values):
            day.of(label(job_type)).note_longest(minute, run_max)

    async def prune(self, first_minute: int, settled: int, day: Day) -> None:
        """Delete minutes before *first_minute*, and *settled* slots.

        Each type's newest run, newest success and first failure since are kept.
        """
        kept = {
            (at.replace(second=0, microsecond=0), job_type)
            for job_type, of_type in day.types.items()
            for at in (of_type.last_run_at, of_type.last_success_at, of_type.failing_since)
            if at is not None
        }
        self._unwritten = {key: runs for key, runs in self._unwritten.items() if key[0] >= first_minute}
        first_slot = first_slot_of(settled)
        self._unwritten_ends = {slot: ends for slot, ends in self._unwritten_ends.items() if slot >= first_slot}
        async with self._database.transaction() as conn:
            await conn.execute(
                self._queries["prune_minutes"],
                {
                    "source": self._source,
                    "before": moment(first_minute),
                    "kept_times": [time for time, _ in kept],
                    "kept_types": [job_type for _, job_type in kept],
                },
            )
            await conn.execute(self._queries["prune_ends"], {"source": self._source, "before": moment(settled)})

    async def _stored_minutes(self, first: int, end: int | None = None) -> dict[Key, Runs]:
        try:
            async with self._database.transaction() as conn:
                return await self._read_minutes(conn, first, end)
        except Error as error:
            self._failed_to_read(error)
            return {}

    async def _read_anchor(self, conn: Conn) -> Anchor:
        row = await (await conn.execute(self._queries["source"], {"source": self._source})).fetchone()
        self._writes = row[3] if row else None
        self._has_anchor = row is not None and row[0] is not None
        return Anchor(*row[:3]) if row else Anchor()

    async def _writes_now(self, conn: Conn) -> int | None:
        row = await (await conn.execute(self._queries["source"], {"source": self._source})).fetchone()
        return row[3] if row else None

    async def _read_minutes(self, conn: Conn, first: int, end: int | None) -> dict[Key, Runs]:
        values = {
            "source": self._source,
            "since": moment(first),
            "until": datetime.max.replace(tzinfo=UTC) if end is None else moment(end),
        }
        async with conn.cursor(row_factory=class_row(MinuteRuns)) as cursor:
            await cursor.execute(self._queries["minutes"], values)
            return {(row.minute, row.job_type): Runs.read(row) async for row in cursor}

    async def _read_ends(self, conn: Conn, first: int) -> Ends:
        values = {"source": self._source, "slot_seconds": SLOT_SECONDS, "since": moment(first)}
        cursor = await conn.execute(self._queries["ends"], values)
        return {slot: array("q", ends) async for slot, ends in cursor}

    async def _write_anchor(self, conn: Conn, anchor: Anchor) -> int:
        """Take the turn to write: the row stays locked until the end of the transaction."""
        cursor = await conn.execute(
            self._queries["write_source"], {"source": self._source, "writes": self._writes, **asdict(anchor)}
        )
        row = await cursor.fetchone()
        if row is None:
            raise OutdatedError
        writes: int = row[0]
        return writes

    async def _write_minutes(self, conn: Conn, rows: Mapping[Key, Runs]) -> None:
        keys = sorted(rows)
        for start in range(0, len(keys), _ROWS_PER_WRITE):
            batch = keys[start : start + _ROWS_PER_WRITE]
            values = {"source": self._source, **_columns(batch, rows)}
            await conn.execute(self._queries["write_minutes"], values)

    async def _write_ends(self, conn: Conn, ends: Ends) -> None:
        if ends:
            slots = sorted(ends)
            values = {
                "source": self._source,
                "slots": [moment(slot, SLOT_SECONDS) for slot in slots],
                "ends": [array_literal(ends[slot]) for slot in slots],
            }
            await conn.execute(self._queries["write_ends"], values)

    def _failed_to_read(self, error: Error) -> None:
        self._failed(error)
        if not isinstance(error, _NOT_THERE):
            raise error

    def _failed(self, error: Error) -> None:
        if self.failure is None:
            log.warning(
                "store.unwritable",
                source=self._source,
                error=line(error),
                lost="24-hour figures and counts begin anew at each start until this is mended",
                mend="python -m jobqueue migrate, python -m jobqueue grants, python -m exporter --check",
            )
        self.failure, self.reason = line(error), reason_of(error)


def _columns(keys: Sequence[Key], rows: Mapping[Key, Runs]) -> dict[str, list[Any]]:
    runs = [rows[key] for key in keys]
    return {
        "minutes": [moment(minute) for minute, _ in keys],
        "job_types": [job_type for _, job_type in keys],
        "runs": [row.runs for row in runs],
        "failures": [row.failures for row in runs],
        "retries": [row.retries for row in runs],
        "cancelled": [row.cancelled for row in runs],
        "run_seconds": [row.run_seconds for row in runs],
        "run_max": [row.run_max for row in runs],
        "wait_seconds": [row.wait_seconds for row in runs],
        "last_run_at": [row.last_run_at for row in runs],
        "last_success_at": [row.last_success_at for row in runs],
        "buckets": [array_literal(pack(row.durations, row.waits)) for row in runs],
    }
