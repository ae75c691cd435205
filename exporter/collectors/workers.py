"""The processes with a heartbeat."""

from collections.abc import Iterator

from exporter.database import Database
from exporter.job_types import JobTypes
from exporter.replay import Replay
from exporter.samples import Sample, Samples, at
from jobqueue.catalogue import (
    FOLDED,
    WORKER_CURRENT_START,
    WORKER_FAILED,
    WORKER_INFO,
    WORKER_LAST_SEEN,
    WORKER_ONLINE,
    WORKER_PROCESSED,
    WORKER_START,
)
from jobqueue.engine import QueueReader
from jobqueue.rows import Worker


class WorkersCollector:
    """One set of series a worker, for as long as its row is there; of very many, those that were seen last."""

    name = "workers"
    share = 0.0005

    def __init__(self, reader: QueueReader, queue: Database, replay: Replay, job_types: JobTypes) -> None:
        self._reader = reader
        self._queue = queue
        self._replay = replay
        self._job_types = job_types

    async def collect(self) -> Samples:
        """List the workers."""
        async with self._queue.transaction() as conn:
            workers = await self._reader.workers(conn, await self._replay.lag(conn))
        folded = Sample(FOLDED, ("workers",), workers.more)
        return (folded, *(sample for worker in workers.rows for sample in self._samples(worker)))

    def _samples(self, worker: Worker) -> Iterator[Sample]:
        key = (worker.worker,)
        pid = "" if worker.pid is None else str(worker.pid)
        info = (worker.hostname or "", pid, worker.mode or "", worker.version or "")
        yield Sample(WORKER_INFO, key + info, 1)
        yield Sample(WORKER_ONLINE, key, worker.online)
        yield from at(WORKER_START, key, worker.started_at)
        yield from at(WORKER_LAST_SEEN, key, worker.last_seen_at)
        for metric, jobs in ((WORKER_PROCESSED, worker.processed), (WORKER_FAILED, worker.failed)):
            if jobs is not None:
                yield Sample(metric, key, jobs)
        if worker.current_job_type is not None:
            job_type = self._job_types.label(worker.current_job_type)
            yield from at(WORKER_CURRENT_START, (*key, job_type), worker.current_started_at)
