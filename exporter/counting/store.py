"""Where counted runs are kept: ``system_status.run_minutes``, and this process's memory while that can't be written."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from psycopg import Error, errors
from psycopg.rows import class_row

from exporter.counting.cells import pack
from exporter.counting.day import Day
from exporter.counting.ledger import Key
from exporter.counting.runs import Runs
from exporter.database import Database
from exporter.trouble import reason_of
from jobqueue import sql
from jobqueue.bounds import line, literals
from jobqueue.engine import Conn, Room
from jobqueue.reasons import Reason
from jobqueue.rows import SlotRuns

log = structlog.get_logger()

MINUTE = 60
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


class RunStore:
    """The memory of counting of one source.

    Rows that can't be written are kept here and written as soon as that is possible again; until then every answer
    is the table's, as far as it can be read, with these rows over it.
    """

    def __init__(self, database: Database, source: str, slot_seconds: int) -> None:
        self._database = database
        self._source = source
        self._slot_seconds = slot_seconds
        package = "exporter.counting"
        self._queries = sql.load(package, "queries.sql", **literals())
        self._minutes = sql.load(package, "rows.sql", table="run_minutes", time="minute", **literals())
        self._slots = sql.load(package, "rows.sql", table="run_slots", time="slot", **literals())
        self._unwritten: dict[Key, Runs] = {}
        self.failure: str | None = None
        """Why rows can't be written now; None when they can."""
        self.reason = Reason.OTHER
        """The same as one of a few."""
        self.was_asked = False
        """Whether anybody can know that by now."""

    async def anchor(self) -> Anchor:
        """Find where counting ended; an empty anchor where our tables aren't to be had."""
        self.was_asked = True
        try:
            async with self._database.transaction() as conn:
                cursor = await conn.execute(self._queries["source"], {"source": self._source})
                row = await cursor.fetchone()
        except Error as error:
            self._failed_to_read(error)
            return Anchor()
        return Anchor(*row) if row else Anchor()

    async def minutes(self, first: int, end: int | None = None) -> dict[Key, Runs]:
        """Read the minutes from *first* up to *end*, not included."""
        known = await self._read(self._minutes["between"], MINUTE, first, end)
        for key, runs in self._unwritten.items():
            if first <= key[0] and (end is None or key[0] < end):
                known[key] = runs.greatest(known[key]) if key in known else runs
        return known

    async def slots(self, first: int) -> dict[Key, Runs]:
        """Read the durable slots from *first* on."""
        return await self._read(self._slots["between"], self._slot_seconds, first, None)

    async def write(self, minutes: Mapping[Key, Runs], slots: Mapping[Key, Runs], anchor: Anchor) -> None:
        """Write rows and anchor in one transaction, or keep the rows here when that fails."""
        rows = {**self._unwritten, **minutes}
        try:
            async with self._database.transaction() as conn:
                await self._write(conn, self._minutes["write"], MINUTE, rows)
                await self._write(conn, self._slots["write"], self._slot_seconds, slots)
                await conn.execute(
                    self._queries["write_source"],
                    {
                        "source": self._source,
                        "polled_at": anchor.polled_at,
                        "counted_from": anchor.counted_from,
                    },
                )
        except Error as error:
            self._unwritten = rows
            self._failed(error)
        else:
            self._unwritten = {}
            if self.failure is not None:
                log.info("store.written", source=self._source, minutes=len(rows))
            self.failure = None

    async def set_back(self, polled_at: datetime) -> None:
        """Move the anchor back, where it can be written."""
        try:
            async with self._database.transaction() as conn:
                await conn.execute(self._queries["set_back"], {"source": self._source, "polled_at": polled_at})
        except Error as error:
            self._failed(error)

    async def day(self, first_minute: int, label: Callable[[str], str], room: Callable[[], Room]) -> Day:
        """Add up the window that begins at *first_minute*, and the last runs before it, under labels."""
        day = Day(first_minute)
        try:
            async with self._database.transaction() as conn:
                await self._read_day(conn, day, label, room)
        except Error as error:
            self._failed_to_read(error)
            day = Day(first_minute)
        if self._unwritten:
            first = min(minute for minute, _ in self._unwritten)
            stored = await self._read(self._minutes["between"], MINUTE, first, None)
            day.add(
                (minute, label(job_type), runs.growth_since(stored.get((minute, job_type), Runs())))
                for (minute, job_type), runs in self._unwritten.items()
            )
        return day

    async def _read_day(self, conn: Conn, day: Day, label: Callable[[str], str], room: Callable[[], Room]) -> None:
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
        async with self._database.transaction() as conn:
            for query, before in ((self._minutes["prune"], first_minute), (self._slots["prune"], settled)):
                await conn.execute(
                    query,
                    {
                        "source": self._source,
                        "before": moment(before),
                        "kept_times": [time for time, _ in kept],
                        "kept_types": [job_type for _, job_type in kept],
                    },
                )

    async def _read(self, query: Any, seconds: int, first: int, end: int | None) -> dict[Key, Runs]:
        values = {
            "source": self._source,
            "slot_seconds": seconds,
            "since": moment(first, seconds),
            "until": datetime.max.replace(tzinfo=UTC) if end is None else moment(end, seconds),
        }
        try:
            async with (
                self._database.transaction() as conn,
                conn.cursor(row_factory=class_row(SlotRuns)) as cursor,
            ):
                await cursor.execute(query, values)
                return {(row.slot, row.job_type): Runs.read(row) async for row in cursor}
        except Error as error:
            self._failed_to_read(error)
            return {}

    async def _write(self, conn: Conn, query: Any, seconds: int, rows: Mapping[Key, Runs]) -> None:
        keys = sorted(rows)
        for start in range(0, len(keys), _ROWS_PER_WRITE):
            batch = keys[start : start + _ROWS_PER_WRITE]
            await conn.execute(query, {"source": self._source, **_columns(batch, rows, seconds)})

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


def moment(number: int, seconds: int = MINUTE) -> datetime:
    """When a minute, or a slot of so many *seconds*, begins."""
    return datetime.fromtimestamp(number * seconds, UTC)


def _columns(keys: Iterable[Key], rows: Mapping[Key, Runs], seconds: int) -> dict[str, list[Any]]:
    keys = list(keys)
    runs = [rows[key] for key in keys]
    return {
        "times": [moment(number, seconds) for number, _ in keys],
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
        "buckets": [f"{{{','.join(map(str, pack(row.durations, row.waits)))}}}" for row in runs],
    }
