"""Since when the oldest job of each type waits, or runs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from exporter.database import Database
from exporter.job_types import JobTypes
from exporter.replay import Replay
from exporter.samples import Sample, Samples
from jobqueue.catalogue import OLDEST_ACTIVE, OLDEST_READY, Metric
from jobqueue.engine import Conn, QueueReader, Room
from jobqueue.rows import Oldest


class OldestCollector:
    """One timestamp a job type, absent where there is no such job."""

    share = 0.0005

    def __init__(
        self,
        name: str,
        metric: Metric,
        read: Callable[[Conn, Room], Awaitable[Sequence[Oldest]]],
        queue: Database,
        replay: Replay,
        job_types: JobTypes,
    ) -> None:
        self.name = name
        self._metric = metric
        self._read = read
        self._queue = queue
        self._replay = replay
        self._job_types = job_types

    @classmethod
    def ready(cls, reader: QueueReader, queue: Database, replay: Replay, job_types: JobTypes) -> "OldestCollector":
        """When the oldest due job became due."""
        return cls("ready", OLDEST_READY, reader.oldest_ready, queue, replay, job_types)

    @classmethod
    def active(cls, reader: QueueReader, queue: Database, replay: Replay, job_types: JobTypes) -> "OldestCollector":
        """When the longest-running job started."""
        return cls("active", OLDEST_ACTIVE, reader.oldest_active, queue, replay, job_types)

    async def collect(self) -> Samples:
        """Find the oldest."""
        async with self._queue.transaction() as conn:
            await self._replay.lag(conn)
            rows = await self._read(conn, self._job_types.room)
        oldest: dict[str, datetime] = {}
        for row in rows:
            label = self._job_types.label(row.job_type)
            oldest[label] = min(row.since, oldest.get(label, row.since))
        return tuple(Sample(self._metric, (label,), since.timestamp()) for label, since in sorted(oldest.items()))
