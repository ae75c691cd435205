"""Asks a collector again and again, off the scrape, and keeps its newest answer."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from time import monotonic, time

import structlog

from exporter.collectors import Collector
from exporter.database import busy_seconds
from exporter.samples import Samples, writable
from exporter.trouble import reason_of
from jobqueue.bounds import line
from jobqueue.reasons import Reason

log = structlog.get_logger()

SLOWEST_SECONDS = 600.0


class Poller:
    """One collector's rhythm and state; ``samples`` is replaced whole, and None after a failure.

    ``duration`` is how long the newest read took by the clock, in seconds, with what it waited for.

    An error of *check* makes the read fail, and its samples aren't shown.

    A read may take its collector's share of a database core: one that keeps its database busy for long is made rarer.
    The middle of the last three busy times decides, so that a single long read (the history at a first start) doesn't.
    """

    def __init__(
        self,
        source: str,
        collector: Collector,
        interval: float,
        changed: Callable[[], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.collector = collector
        self.samples: Samples | None = None
        self.duration: float | None = None
        self.last_success: float | None = None
        self.reason: Reason | None = None
        """Why the newest read failed; None when it didn't, and before the first."""
        self.failing_since: float | None = None
        """When the first of the failed reads ended; None as for the reason."""
        self.polled = asyncio.Event()
        self._source = source
        self._interval = interval
        self._changed = changed
        self._check = check
        self._busy: deque[float] = deque(maxlen=3)
        self._failure: str | None = None

    @property
    def name(self) -> str:
        """Value of the label ``collector``."""
        return self.collector.name

    @property
    def interval(self) -> float:
        """Seconds between two reads, as their cost asks for it."""
        if len(self._busy) < 3:
            return self._interval
        return max(self._interval, min(SLOWEST_SECONDS, median(self._busy) / self.collector.share))

    async def run(self, after: "Poller | None" = None) -> None:
        """Poll until cancelled; the first time when *after* has polled once, but not for ever."""
        if after is not None:
            with suppress(TimeoutError):
                # Not wait_for: in Python 3.11 a cancellation is lost in it that comes together with the event.
                async with asyncio.timeout(self._interval):
                    await after.polled.wait()
        while True:
            began = monotonic()
            await self.poll()
            await asyncio.sleep(max(0.0, began + self.interval - monotonic()))

    async def poll(self) -> None:
        """Read once; a failure is noted, logged when it is new, and never raised."""
        began, busy = monotonic(), busy_seconds()
        try:
            samples = writable(await self.collector.collect())
            self._check()
            self.samples = samples
        except Exception as error:  # noqa: BLE001 -- whatever happened, the other collectors and sources go on
            self.samples = None
            self._note_failure(error)
        else:
            self.last_success = time()
            self.reason = self.failing_since = None
            if self._failure is not None:
                log.info("collector.recovered", source=self._source, collector=self.name)
                self._failure = None
        self.duration = monotonic() - began
        self._busy.append(busy_seconds() - busy)
        self.polled.set()
        self._changed()

    def _note_failure(self, error: Exception) -> None:
        self.reason = reason_of(error)
        self.failing_since = self.failing_since or time()
        failure = line(error) or type(error).__name__
        if failure != self._failure:
            log.warning("collector.failed", source=self._source, collector=self.name, error=failure)
        self._failure = failure
