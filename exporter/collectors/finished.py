"""How many completed, failed and cancelled jobs the queue holds."""

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime
from time import monotonic

import structlog
from psycopg.errors import QueryCanceled

from exporter.counting.census import Census
from exporter.counting.day import Growth
from exporter.counting.tally import Tally
from exporter.counting.times import MINUTE, minute_of, moment
from exporter.database import Database
from exporter.job_types import JobTypes
from exporter.samples import Sample, Samples
from exporter.trouble import ExplainedError
from jobqueue.catalogue import JOBS
from jobqueue.engine import QueueReader, Span
from jobqueue.reasons import Reason
from jobqueue.states import TERMINAL, JobState

log = structlog.get_logger()

_SHARE_OF_COUNTING = 1 / 2000
"""The part of the time that full counts may take: some ten thousand rows are counted at each poll, a million every
quarter of an hour. Until then rows that were retried or edited by hand, or deleted out of order, aren't noticed."""
_FIRST_STEP, _LONGEST_STEP = 60, 2**20
"""Minutes that one statement counts: an hour at first; two years once that turned out to be quick."""
_QUICK, _SLOW = 0.05, 0.5
_FEW = 5_000
"""Of so many newest rows a count is cheap at each poll."""
_FOR_EVER = 2**62
_FAR = 4_000_000_000
"""A minute in the year 9575."""


def count_again_after(took: float) -> float:
    """Seconds from a full count that *took* so many seconds, without its pauses, to the next."""
    return took / _SHARE_OF_COUNTING


class NotCountedError(ExplainedError):
    """Finished rows can't be told while what finishes can't be counted."""


class FinishedCollector:
    """Counts by job type and terminal state, zeros included; a follower of the tally."""

    name = "finished"
    share = 0.001

    def __init__(
        self,
        reader: QueueReader,
        queue: Database,
        job_types: JobTypes,
        tally: Tally,
        states: Collection[JobState] = TERMINAL,
    ) -> None:
        self._reader = reader
        self._queue = queue
        self._job_types = job_types
        self._tally = tally
        self._states = [state for state in TERMINAL if state in states]
        self._census: Census | None = None
        self._next: Census | None = None
        self._count_again_at = 0.0
        self._step = _FIRST_STEP
        self._others = 0
        self._frontiers: dict[JobState, datetime | None] = {}

    def add(self, growth: Iterable[Growth]) -> None:
        """Hear of what the tally counted, also while a full count is under way."""
        growth = list(growth)
        for census in (self._census, self._next):
            if census is not None:
                census.add(growth)

    async def collect(self) -> Samples:
        """Follow the frontiers; count everything when it is time to."""
        failure = self._tally.failure
        if failure is not None or self._tally.anchor.polled_at is None:
            raise NotCountedError("runs aren't counted at present, see collector runs", failure or Reason.OTHER)
        if self._census is None or monotonic() > self._count_again_at:
            self._census = await self._count_everything()
            self._frontiers = {}
        elif self._census.newest[1] <= _FEW:
            await self._count_newest(self._census)
        self._census.settle(self._tally.first_unsettled)
        async with self._queue.transaction() as conn:
            frontiers = await self._reader.frontiers(conn)
        for state in self._states:
            await self._follow(self._census, state, frontiers.get(state))
        held = self._census.held
        self._job_types.see(self.name, {job_type for (job_type, _), rows in held.items() if rows}, [self._others])
        return tuple(
            Sample(JOBS, (job_type, state), held[job_type, state])
            for job_type in self._job_types.known
            for state in self._states
        )

    async def _follow(self, census: Census, state: JobState, frontier: datetime | None) -> None:
        if state in self._frontiers and self._frontiers[state] == frontier:
            return
        partly = census.drop_before(minute_of(frontier) if frontier else _FOR_EVER, state)
        if partly and frontier:
            span = Span(moment(partly[0]), moment(partly[1]), census.width_at(partly[0]) * MINUTE)
            async with self._queue.transaction() as conn:
                rows = await self._reader.finished_counts(conn, span, self._job_types.room)
            census.recount(partly, state, rows)
        self._frontiers[state] = frontier

    async def _count_everything(self) -> Census:
        self._others = 0
        census = self._next = Census(self._job_types.label, self._tally.first_unsettled, self._tally.unsettled)
        try:
            async with self._queue.transaction() as conn:
                frontiers = await self._reader.frontiers(conn)
            begin = min((minute_of(frontier) for frontier in frontiers.values()), default=census.boundary)
            took = await self._count_range(census, begin)
            took += await self._count_newest(census)
        finally:
            self._next = None
        self._count_again_at = monotonic() + count_again_after(took)
        log.debug("finished.counted", rows=census.held.total(), seconds=round(took, 1))
        return census

    async def _count_newest(self, census: Census) -> float:
        """Count the newest minutes, whose jobs may have been retried meanwhile; answers the seconds that took."""
        began = monotonic()
        async with self._queue.transaction() as conn:
            span = Span(moment(census.newest[0]), moment(_FAR), MINUTE)
            census.stand(await self._reader.finished_counts(conn, span, self._job_types.room))
        return monotonic() - began

    async def _count_range(self, census: Census, begin: int) -> float:
        """Count from minute *begin* to the boundary in steps that take a moment each, with pauses as long.

        Answers the seconds without the pauses. Steps know no upper bound: a single row that says it finished in 1970
        may stand before the others.
        """
        all_took = 0.0
        step = self._step
        while begin < census.boundary:
            width = census.width_at(begin)
            end = min(begin + step, census.boundary)
            if begin < census.narrow_from:
                end = min(end, census.narrow_from)
            began = monotonic()
            try:
                async with self._queue.transaction() as conn:
                    span = Span(moment(begin), moment(end), width * MINUTE)
                    rows = await self._reader.finished_counts(conn, span, self._job_types.room)
            except QueryCanceled:
                if step == 1:
                    raise
                step = max(step // 4, 1)
                continue
            census.count(rows, width)
            self._others = max([self._others, *(row.others for row in rows)])
            took = monotonic() - began
            all_took += took
            begin = end
            step = min(2 * step, _LONGEST_STEP) if took < _QUICK else max(step // 2, 1) if took > _SLOW else step
            await asyncio.sleep(took)
        self._step = step
        return all_took
