"""Finds runs that came later than the settle time: a worker's clock is behind, or a transaction took long to commit."""

from collections.abc import Callable
from time import monotonic

import structlog

from exporter.counting.day import MINUTES_OF_DAY
from exporter.counting.ledger import ranges
from exporter.counting.reads import Reads
from exporter.counting.store import RunStore
from exporter.counting.tally import Tally
from exporter.counting.times import MINUTE, minute_of, moment
from jobqueue.engine import Span

log = structlog.get_logger()

_HOUR = 60
_EVERY_SECONDS = 60.0
_SHARE = 1 / 1000
"""The part of the time that these looks may take: the more rows a day has, the rarer they are."""


class LateRuns:
    """Compares settled minutes with the queue by their number of rows: the newest hour, and one older hour by turns.

    So the last hour is looked at every minute and the last day within half an hour, less often where that takes long.
    A minute that holds more rows than are counted is read again. A run that is late and a job of the same minute that
    is gone meanwhile hide each other.
    """

    def __init__(self, reads: Reads, store: RunStore, tally: Tally, clock: Callable[[], float] = monotonic) -> None:
        self._reads = reads
        self._store = store
        self._tally = tally
        self._clock = clock
        self._due_at = 0.0
        self._back = 1
        self.found = 0
        """How many runs were found late, cancelled jobs included."""

    async def look_when_due(self) -> None:
        """Look, unless the last look is too near."""
        began = self._clock()
        if began < self._due_at:
            return
        await self.look()
        took = self._clock() - began
        self._due_at = began + max(_EVERY_SECONDS, took / _SHARE)

    async def look(self) -> None:
        """Look at two hours. Raises what reading the queue or the store raises."""
        anchor = self._tally.anchor
        if anchor.polled_at is None or anchor.counted_from is None or self._store.failure is not None:
            return
        newest = self._tally.first_unsettled
        oldest = max(minute_of(anchor.counted_from), minute_of(anchor.polled_at) - MINUTES_OF_DAY)
        for back in (0, self._back):
            end = newest - back * _HOUR
            await self._look_between(max(oldest, end - _HOUR), end)
        self._back = self._back + 1 if newest - (self._back + 1) * _HOUR > oldest else 1

    async def _look_between(self, first: int, end: int) -> None:
        if first >= end:
            return
        counts = await self._reads.counts(Span(moment(first), moment(end), MINUTE))
        counted = await self._store.finished_by_minute(first, end)
        more = {minute: count.rows for minute, count in counts.items() if count.rows > counted.get(minute, 0)}
        for start, last in ranges(more):
            found = await self._tally.take_in_late(start, last + 1)
            if found:
                log.warning(
                    "runs.late", runs=found, since=moment(start), mend="the workers' clocks, or a longer settle"
                )
            self.found += found
