"""One source's finished runs: polled by the law, kept in the store, added up over the last 24 hours."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from psycopg import Error

from exporter.counting.day import MINUTES_OF_DAY, Day, Growth
from exporter.counting.ledger import Draft, Key, Ledger
from exporter.counting.reads import Reads
from exporter.counting.runs import Runs
from exporter.counting.store import Anchor, OutdatedError, RunStore
from exporter.counting.times import SLOT_SECONDS, first_slot_of, minute_of, moment
from exporter.database import Database
from exporter.trouble import ExplainedError, reason_of
from jobqueue.bounds import line
from jobqueue.engine import ANY, Conn, QueueReader, Room, Span
from jobqueue.reasons import Reason
from jobqueue.schedules import Ends

log = structlog.get_logger()

Clock = Callable[[Conn], Awaitable[datetime | None]]

FAR_AHEAD = 2**40
"""A minute after all others."""

_DAY = timedelta(days=1)
_APART = timedelta(seconds=1)
"""Exporters of one source read its clock at different moments: so much less than before is no clock set back."""
_HOUR = 60
_TRIES = 5
_STEP = 10
"""Minutes that are read at once where much has to be: adding them up keeps the process from all else."""
_KEPT_MINUTES = MINUTES_OF_DAY + 2 * _HOUR
_PRUNE_EVERY_MINUTES = 10


class NothingReplayedError(Exception):
    """A standby that has replayed nothing since its start can't say up to when it has been read."""


class CrowdedError(ExplainedError):
    """Other exporters write so often that this one never gets its turn."""


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
    """Counts what finishes, each end of a job once, and tells its followers.

    On a source's first start, history is read back to where its completed rows begin, a day at most, as soon as it has
    its *turn*; that fills the table and the 24-hour figures, and no follower hears of it. After an outage the poll goes
    on at the anchor, and followers get all of it.
    """

    def __init__(
        self,
        reader: QueueReader,
        queue: Database,
        reads: Reads,
        store: RunStore,
        *,
        settle: timedelta,
        label: Callable[[str], str] = str,
        room: Callable[[], Room] = lambda: ANY,
        clock: Clock = database_clock,
        turn: AbstractAsyncContextManager[object] | None = None,
    ) -> None:
        self._reader = reader
        self._queue = queue
        self._store = store
        self._settle = settle
        self.followers: list[Follower] = []
        self._label = label
        self._room = room
        self._clock = clock
        self._turn = turn or nullcontext()
        self._reads = reads
        self._ledger = Ledger()
        self._anchor = Anchor()
        self._in_doubt = False
        self._shared = False
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
        return self._ledger.told

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
            if not self._in_doubt:
                self._day_read_at = None
        elif self._shared and await self._store.is_outdated():
            await self._compare()
        try:
            now = await self._now()
            await self._read_to(now)
        except BaseException as error:
            self._in_doubt, self._failure = True, reason_of(error)
            raise
        self._failure = None
        self._ledger.forget_before(self.first_unsettled)
        if kept:
            await self._keep_day(minute_of(now))

    async def take_in_late(self, first: int, end: int) -> int:
        """Count what the settled minutes from *first* up to *end* hold beyond what is counted; answers how much."""
        ledger = Ledger()
        ledger.start(await self._store.minutes(first, end), {}, end)
        draft = await self._reads.whole(self._span(first, end), ledger, keep_ends=False)
        if not draft.growth:
            return 0
        try:
            await self._store.write(draft.minutes, {}, self._anchor)
        except OutdatedError:
            self._in_doubt = True  # the next look finds it again
            return 0
        self._tell(draft.growth)
        return sum(runs.finished for runs in draft.growth.values())

    async def _begin(self) -> None:
        self._anchor = await self._store.anchor()
        if self._anchor.polled_at is not None:
            first = self.first_unsettled
            self._ledger = Ledger()
            minutes, ends = await self._store.minutes(first), await self._store.ends(first)
            self._ledger.start(minutes, ends, self._ends_from(self._anchor))

    def _ends_from(self, anchor: Anchor) -> int:
        """Where the ends begin that the store has; those of an older version of this program are nowhere."""
        return minute_of(anchor.ends_from) if anchor.ends_from else FAR_AHEAD

    async def _compare(self) -> None:
        """Read the store anew after a failure, or because another exporter has written to it."""
        stored = await self._store.reread(self.first_unsettled)
        if stored is None:
            return
        if stored.forgotten:  # the history is read anew, as on a first start
            self._anchor, self._ledger, self._day_read_at, self._in_doubt = Anchor(), Ledger(), None, False
            return
        anchor = stored.anchor
        self._ledger.merge(stored.minutes, stored.ends, self._ends_from(anchor) if anchor.polled_at else 0)
        if anchor.polled_at and self._anchor.polled_at and anchor.polled_at > self._anchor.polled_at:
            self._anchor = anchor
        self._in_doubt = False

    def _go_back(self, now: datetime) -> None:
        """Follow a clock that was set back: minutes come a second time, and the store knows their first."""
        if self._anchor.polled_at and self._anchor.polled_at - now > _APART:
            log.warning("clock.set_back", was=self._anchor.polled_at, now=now)
        self._anchor = replace(self._anchor, polled_at=now)

    async def _now(self) -> datetime:
        async with self._queue.transaction() as conn:
            now = await self._clock(conn) or self._anchor.polled_at
        if now is None:
            raise NothingReplayedError("the standby has replayed no transaction since its start; wait for one")
        return now

    async def _read_to(self, now: datetime) -> None:
        """Read up to *now*, and anew when another exporter wrote meanwhile."""
        for _ in range(_TRIES):
            try:
                if self._anchor.polled_at is None:
                    async with self._turn:
                        await self._read_history(now)
                else:
                    await self._catch_up(now)
            except OutdatedError:
                self._shared = True  # from now on a poll looks before it reads the queue
                await (self._begin() if self._anchor.polled_at is None else self._compare())
            else:
                return
        raise CrowdedError(
            "other exporters of the source write all the time: is its poll_interval too short?", Reason.OTHER
        )

    async def _read_history(self, now: datetime) -> None:
        async with self._queue.transaction() as conn:
            first_completed = await self._reader.first_completed(conn)
        begin = max(now - _DAY, min(first_completed or now, now))
        log.info("history.reading", since=begin)
        counted_from = self._anchor.counted_from or begin
        # Polls read what isn't settled again, and need its ends: a gap could only be filled while the store answers.
        start = min(minute_of(begin), minute_of(now - self._settle))
        while start + _STEP <= minute_of(now - self._settle):
            await self._read_whole(start, start + _STEP, Anchor(None, counted_from))
            start += _STEP
        await self._read_whole(start, minute_of(now + _DAY), self._anchor_at(now, counted_from))
        log.info("history.read", since=begin)

    async def _read_whole(self, start: int, end: int, anchor: Anchor) -> None:
        """Read a part of the history, of which no follower hears; where it isn't settled yet, polls go on from it."""
        last = anchor.polled_at is not None
        while True:
            ledger = Ledger()
            ledger.start(await self._store.minutes(start, end), {}, start)
            draft = await self._reads.whole(self._span(start, end), ledger, keep_ends=last)
            try:
                await self._write(draft, anchor)
            except OutdatedError:
                if (await self._store.anchor()).polled_at is not None:
                    raise
                continue
            break
        ledger.accept(draft)
        if last:
            self._ledger = ledger
        self._anchor = anchor

    async def _catch_up(self, now: datetime) -> None:
        """Read from the anchor on; after an outage step by step, each of which is settled when it is read."""
        if self._anchor.polled_at and now < self._anchor.polled_at:
            self._go_back(now)
        start = self.first_unsettled
        await self._fill_gap(start, now)
        while start + _STEP <= minute_of(now - self._settle):
            settled = self._anchor_at(moment(start + _STEP) + self._settle, self._anchor.counted_from)
            await self._count(start, start + _STEP, settled)
            start += _STEP
            self._ledger.forget_before(start)
        # No upper bound: a worker's clock may run ahead. A day is not a bound but a guard against nonsense.
        await self._count(start, minute_of(now + _DAY), self._anchor_at(now, self._anchor.counted_from))

    async def _fill_gap(self, start: int, now: datetime) -> None:
        """Read minutes whole whose ends aren't known: an older version's, and those that a clock set back repeats."""
        end = min(self._ledger.ends_from, minute_of(now + _DAY))
        while end > start:
            first = max(start, end - _STEP)
            self._ledger.recall(await self._store.minutes(first, end))
            draft = await self._reads.whole(self._span(first, end), self._ledger, keep_ends=True)
            await self._commit(draft, replace(self._anchor, ends_from=moment(first)))
            self._ledger.ends_from = end = first

    async def _count(self, start: int, end: int, anchor: Anchor) -> None:
        """Read minutes, commit them together with the anchor that they earn, and tell the followers."""
        draft = await self._reads.new(self._span(start, end), self._ledger)
        await self._commit(draft, anchor)

    async def _commit(self, draft: Draft, anchor: Anchor) -> None:
        failed_before = self._store.failure is not None
        await self._write(draft, anchor)
        self._in_doubt |= failed_before and self._store.failure is None
        self._ledger.accept(draft)
        self._anchor = anchor
        self._tell(draft.growth)

    async def _write(self, draft: Draft, anchor: Anchor) -> None:
        """Write what a draft changes; the ends of settled slots are of no use any more."""
        if self._kept:
            first = first_slot_of(minute_of(anchor.ends_from) if anchor.ends_from else FAR_AHEAD)
            ends = {slot: ends for slot, ends in draft.ends.items() if slot >= first}
            await self._store.write(draft.minutes, ends, anchor)

    def _tell(self, growth: Mapping[Key, Runs]) -> None:
        labelled = self._labelled(growth)
        for follower in self.followers:
            follower.add(labelled)
        if self._day_read_at is not None:
            self.day.add(labelled)

    def _span(self, start: int, end: int) -> Span:
        return Span(moment(start), moment(end), SLOT_SECONDS)

    def _anchor_at(self, now: datetime, counted_from: datetime | None) -> Anchor:
        """The anchor of a read at *now*, with the ends that a poll will have to know from there on."""
        return Anchor(now, counted_from, moment(minute_of(now - self._settle)))

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
        except OutdatedError:
            log.debug("day.outdated")  # another exporter wrote just now: the day is read after the next poll
        except Error as error:
            log.info("day.late", error=line(error))

    def _labelled(self, runs: Mapping[Key, Runs]) -> list[Growth]:
        return [(minute, self._label(job_type), added) for (minute, job_type), added in runs.items()]
