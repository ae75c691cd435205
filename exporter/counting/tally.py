"""One source's finished runs: polled by the law, kept in the store, added up over the last 24 hours."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from psycopg import Error

from exporter.counting.day import MINUTES_OF_DAY, Day, Growth
from exporter.counting.ledger import Draft, Key, Ledger, ranges
from exporter.counting.runs import Runs
from exporter.counting.store import Anchor, RunStore, moment
from exporter.database import Database
from exporter.trouble import reason_of
from jobqueue.bounds import OTHER, line
from jobqueue.engine import ANY, Conn, QueueReader, Room, Span
from jobqueue.reasons import Reason
from jobqueue.rows import SlotRuns
from jobqueue.schedules import Ends

log = structlog.get_logger()

Clock = Callable[[Conn], Awaitable[datetime | None]]

_DAY = timedelta(days=1)
_HOUR = 60
_WHOLE_MINUTES = 60
_STEP = 10
"""Minutes that are read at once where much has to be: adding them up keeps the process from all else."""
_KEPT_MINUTES = MINUTES_OF_DAY + 2 * _HOUR
_PRUNE_EVERY_MINUTES = 10


class NothingReplayedError(Exception):
    """A standby that has replayed nothing since its start can't say up to when it has been read."""


class Follower(Protocol):
    """Adds up what was counted, from when it began to follow."""

    def add(self, growth: Iterable[Growth]) -> None:
        """Take in what minutes gained."""


async def database_clock(conn: Conn) -> datetime | None:
    """Read the queue's clock, before anything else in the transaction is read.

    On a standby that is the time up to which it has replayed, so that its lag doesn't count as lateness of a
    commit; None when it has replayed nothing since its start.
    """
    cursor = await conn.execute(
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() ELSE now() END"
    )
    row = await cursor.fetchone()
    return row[0] if row else None


class Tally:
    """Counts what finishes, each job once, and tells its followers.

    On a source's first start, history is read back to where its completed rows begin, a day at most, as soon as it has
    its *turn*; that fills the table and the 24-hour figures, and no follower hears of it. After an outage the poll goes
    on at the anchor, and followers get all of it.
    """

    def __init__(
        self,
        reader: QueueReader,
        queue: Database,
        store: RunStore,
        *,
        settle: timedelta,
        slot_seconds: int,
        durable_slots: bool,
        label: Callable[[str], str] = str,
        room: Callable[[], Room] = lambda: ANY,
        clock: Clock = database_clock,
        turn: AbstractAsyncContextManager[object] | None = None,
    ) -> None:
        self._reader = reader
        self._queue = queue
        self._store = store
        self._settle = settle
        self._durable_slots = durable_slots
        self.followers: list[Follower] = []
        self._label = label
        self._room = room
        self._clock = clock
        self._turn = turn or nullcontext()
        self._slot = slot_seconds
        self._ledger = Ledger(slot_seconds)
        self._anchor = Anchor()
        self._in_doubt = False
        self._failure: Reason | None = None
        self._kept = True
        self._day_read_at: int | None = None
        self.day = Day(0)

    @property
    def anchor(self) -> Anchor:
        """Up to where runs are counted, and from where."""
        return self._anchor

    @property
    def failure(self) -> Reason | None:
        """Why the last poll failed; None when it didn't."""
        return self._failure

    def ends(self) -> Mapping[str, Ends]:
        """How the newest runs of each type ended; nothing while they can't be read, for it would be old."""
        if self._failure is not None:
            return {}
        return {
            job_type: Ends(day.last_run_at, day.last_success_at, day.failing_since)
            for job_type, day in self.day.types.items()
            if day.last_run_at is not None
        }

    @property
    def unsettled(self) -> Mapping[Key, Runs]:
        """The minutes that a poll reads again, as counted; those before them can't change any more."""
        return self._ledger.counted

    @property
    def first_unsettled(self) -> int:
        """The first minute that a poll reads again."""
        return minute_of(self._anchor.polled_at - self._settle) if self._anchor.polled_at else 0

    async def poll(self, *, kept: bool = True) -> None:
        """Count what finished since the last poll; what isn't *kept* goes to the followers only.

        Where completed runs leave no trace, only failed ones would be kept, and read as a day without a success. When
        a source begins to leave one, its history begins anew.

        Raises what reading the queue raises; what was committed before that stays counted, and the next poll goes on
        from there. A store that can't be written is not an error (see ``RunStore``).
        """
        if kept != self._kept:
            self._kept, self._anchor, self._day_read_at = kept, Anchor(), None
        if self._anchor.polled_at is None:
            await self._begin()
        elif self._in_doubt:
            await self._compare()
        try:
            now = await self._now()
            if self._anchor.polled_at is None:
                async with self._turn:
                    await self._read_history(now)
            else:
                if now < self._anchor.polled_at:
                    await self._go_back(now)
                await self._catch_up(now)
        except BaseException as error:
            self._in_doubt, self._failure = True, reason_of(error)
            raise
        self._failure = None
        self._ledger.forget_before(self.first_unsettled)
        if kept:
            await self._keep_day(minute_of(now))

    async def _begin(self) -> None:
        self._anchor = await self._store.anchor()
        if self._anchor.polled_at is not None:
            await self._start_ledger()

    async def _start_ledger(self) -> None:
        first = self.first_unsettled
        self._ledger = Ledger(self._slot)
        self._ledger.start(await self._store.minutes(first), await self._durable(first))

    async def _compare(self) -> None:
        try:
            first = self.first_unsettled
            self._ledger.reload(await self._store.minutes(first), await self._durable(first))
        except Error as error:
            log.info("store.unreadable", error=line(error))
            return
        self._in_doubt = False
        self._day_read_at = None

    async def _go_back(self, now: datetime) -> None:
        """Follow a clock that was set back: minutes come a second time, and the store knows their first."""
        log.warning("clock.set_back", was=self._anchor.polled_at, now=now)
        self._anchor = Anchor(now, self._anchor.counted_from)
        await self._store.set_back(now)
        await self._start_ledger()
        self._day_read_at = None

    async def _durable(self, first_minute: int) -> Mapping[Key, Runs]:
        return await self._store.slots(first_minute * self._ledger.per_minute) if self._durable_slots else {}

    async def _now(self) -> datetime:
        async with self._queue.transaction() as conn:
            now = await self._clock(conn) or self._anchor.polled_at
        if now is None:
            raise NothingReplayedError("the standby has replayed no transaction since its start; wait for one")
        return now

    async def _read_history(self, now: datetime) -> None:
        async with self._queue.transaction() as conn:
            first_completed = await self._reader.first_completed(conn)
        begin = max(now - _DAY, min(first_completed or now, now))
        log.info("history.reading", since=begin)
        counted_from = self._anchor.counted_from or begin
        start = minute_of(begin)
        self._ledger = Ledger(_WHOLE_MINUTES)  # what is settled is read once, and needs no shorter slots
        while start + _STEP <= minute_of(now - self._settle):
            span = Span(moment(start), moment(start + _STEP), _WHOLE_MINUTES)
            await self._count(span, Anchor(None, counted_from), ())
            start += _STEP
            self._ledger.forget_before(start)
        self._ledger = Ledger(self._slot)
        await self._count(Span(moment(start), now + _DAY, self._slot), Anchor(now, counted_from), ())
        log.info("history.read", since=begin)

    async def _catch_up(self, now: datetime) -> None:
        """Read from the anchor on; after an outage step by step, each of which is settled when it is read."""
        start = self.first_unsettled
        counted_from = self._anchor.counted_from
        while start + _STEP <= minute_of(now - self._settle):
            end = moment(start + _STEP)
            await self._count(Span(moment(start), end, self._slot), Anchor(end + self._settle, counted_from))
            start += _STEP
            self._ledger.forget_before(start)
        # No upper bound: a worker's clock may run ahead. A day is not a bound but a guard against nonsense.
        await self._count(Span(moment(start), now + _DAY, self._slot), Anchor(now, counted_from))

    async def _count(self, span: Span, anchor: Anchor, followers: Sequence[Follower] | None = None) -> None:
        """Read a span, commit it together with the anchor that it earns, and tell the followers."""
        draft = await self._draft(span)
        failed_before = self._store.failure is not None
        slots = draft.slots if self._durable_slots and span.slot_seconds == self._slot else {}
        if self._kept:
            await self._store.write(draft.minutes, slots, anchor)
        self._in_doubt |= failed_before and self._store.failure is None
        self._ledger.accept(draft)
        self._anchor = anchor
        growth = self._labelled(draft.growth)
        for follower in self.followers if followers is None else followers:
            follower.add(growth)
        if self._day_read_at is not None:
            self.day.add(growth)

    async def _draft(self, span: Span) -> Draft:
        async with self._queue.transaction() as conn:
            counts = await self._reader.slot_counts(conn, span)
            rows: list[SlotRuns] = []
            known = self._ledger.job_types
            for first, last in ranges(self._ledger.changed(counts)):
                changed = Span(moment(first, span.slot_seconds), moment(last + 1, span.slot_seconds), span.slot_seconds)
                rows += await self._reader.slot_runs(conn, changed, self._room_for(known))
                known |= {row.job_type for row in rows}
        return self._ledger.draft(counts, rows)

    def _room_for(self, known: set[str]) -> Room:
        """Whoever was read by name goes on so; where some were added up, no new name comes out of that sum.

        Else a run would be counted twice: in the sum of a slot, and under its name when the slot is read again.
        """
        room = self._room()
        full = OTHER in known or len(known) > 2 * room.places
        return Room(known | set(room.known), 0 if full else room.places)

    async def _keep_day(self, this_minute: int) -> None:
        first = this_minute - MINUTES_OF_DAY
        try:
            if self._day_read_at is None or this_minute - self._day_read_at >= _HOUR:
                self.day = await self._store.day(first, self._label, self._room)
                self._day_read_at = this_minute
            elif first > self.day.first_minute:
                leaving = await self._store.minutes(self.day.first_minute, first)
                self.day.leave(first, self._labelled(leaving))
            if this_minute % _PRUNE_EVERY_MINUTES == 0:
                await self._store.prune(this_minute - _KEPT_MINUTES, self.first_unsettled, self.day)
        except Error as error:
            log.info("day.late", error=line(error))

    def _labelled(self, runs: Mapping[Key, Runs]) -> list[Growth]:
        return [(minute, self._label(job_type), added) for (minute, job_type), added in runs.items()]


def minute_of(at: datetime) -> int:
    """The minute since the epoch that a moment lies in."""
    return int(at.timestamp() // 60)
