"""How many jobs wait and run: the one read whose cost follows the backlog."""

from collections import Counter
from collections.abc import Collection

from exporter.database import Database
from exporter.job_types import JobTypes
from exporter.replay import Replay
from exporter.samples import Sample, Samples
from jobqueue.catalogue import JOBS
from jobqueue.engine import QueueReader
from jobqueue.states import LIVE, JobState


class LiveCollector:
    """Counts by job type and live state, zeros included."""

    name = "live"
    share = 0.0006
    """Small, for its cost is the only one without a bound: half a million waiting jobs are counted every 2 minutes."""

    def __init__(
        self,
        reader: QueueReader,
        queue: Database,
        replay: Replay,
        job_types: JobTypes,
        states: Collection[JobState],
    ) -> None:
        self._reader = reader
        self._queue = queue
        self._replay = replay
        self._job_types = job_types
        self._states = [state for state in LIVE if state in states]

    async def collect(self) -> Samples:
        """Count the live jobs."""
        async with self._queue.transaction() as conn:
            await self._replay.lag(conn)
            rows = await self._reader.live_counts(conn, self._job_types.room)
        jobs: Counter[tuple[str, str]] = Counter()
        for row in rows:
            jobs[self._job_types.label(row.job_type), row.state] += row.jobs
        self._job_types.see(self.name, {job_type for job_type, _ in jobs}, (row.others for row in rows))
        return tuple(
            Sample(JOBS, (job_type, state), jobs[job_type, state])
            for job_type in self._job_types.known
            for state in self._states
        )
