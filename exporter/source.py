"""One source: its connections, its collectors and their pollers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from exporter.abilities import Abilities
from exporter.collectors import Collector
from exporter.collectors.finished import FinishedCollector
from exporter.collectors.live import LiveCollector
from exporter.collectors.oldest import OldestCollector
from exporter.collectors.runs import RunsCollector
from exporter.collectors.schedules import SchedulesCollector
from exporter.collectors.server import ServerCollector
from exporter.collectors.store import StoreCollector
from exporter.collectors.workers import WorkersCollector
from exporter.counting.late import LateRuns
from exporter.counting.reads import Reads
from exporter.counting.since_start import SinceStart
from exporter.counting.tally import Tally
from exporter.database import Database
from exporter.identity import SourceIdentity, SourceStore
from exporter.job_types import JobTypes
from exporter.labelled_store import LabelledStore
from exporter.poller import Poller
from exporter.replay import Replay
from exporter.schedule_changes import ScheduleChanges
from jobqueue.config import Source
from jobqueue.engines import open_engine
from jobqueue.reasons import Reason
from jobqueue.schedules import Timetable

GRACE_SECONDS = 60
"""How late a tick may get its job, beyond a poll, before it counts as missed."""

_STORE_TIMEOUT_SECONDS = 30.0


class SourceMonitor:
    """Everything that reads one source. At most two connections: one to the queue, one to our tables."""

    def __init__(self, source: Source, changed: Callable[[], None], turn: asyncio.Semaphore | None = None) -> None:
        self.name = source.name
        self.interval = source.poll_interval
        self._engine = open_engine(source.engine, source.schema)
        self._identity = SourceIdentity(source.name, self._engine)
        self._queue = Database(source.dsn.get_secret_value(), source.statement_timeout, read_only=True)
        self._store = SourceStore(source.store_dsn.get_secret_value(), _STORE_TIMEOUT_SECONDS, self._identity)
        self.pollers = [
            Poller(source.name, collector, source.poll_interval, changed, self._identity.check)
            for collector in self._collectors(source, turn)
        ]

    @property
    def up(self) -> bool:
        """Whether the database answered last time."""
        return self._queue.answers

    @property
    def read_at(self) -> float:
        """When something was read from the queue last, in seconds since the epoch; 0 when nothing was yet."""
        return max(poller.last_success or 0.0 for poller in self._readers)

    @property
    def unreadable(self) -> Reason | None:
        """Why nothing of the queue can be read, by most of its collectors; None when something can.

        While the database doesn't answer, collectors that are rarely asked still show what they read before.
        """
        reasons = [poller.reason for poller in self._readers if poller.reason is not None]
        if not reasons or (self.up and len(reasons) < len(self._readers)):
            return None
        return Counter(reasons).most_common(1)[0][0]

    @property
    def unreadable_since(self) -> float:
        """When something was read last, or when that failed first; only of use while the source is unreadable."""
        return self.read_at or min(poller.failing_since for poller in self._readers if poller.failing_since)

    def failing(self) -> list[str]:
        """The collectors whose newest read failed, or that haven't read yet."""
        return [poller.name for poller in self.pollers if poller.samples is None]

    @property
    def _readers(self) -> list[Poller]:
        return [poller for poller in self.pollers if not isinstance(poller.collector, StoreCollector)]

    async def poll_once(self) -> None:
        """Ask every collector once, one after the other."""
        for poller in self.pollers:
            await poller.poll()

    async def run(self) -> None:
        """Ask every collector in its own rhythm, until cancelled; connections are closed at the end."""
        before: Poller | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                for poller in self.pollers:
                    tasks.create_task(poller.run(after=before))
                    before = poller
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._queue.close()
        await self._store.close()

    def _collectors(self, source: Source, turn: asyncio.Semaphore | None) -> Iterator[Collector]:
        """In the order of the first round: who names job types first, who builds on the tally last."""
        engine, queue = self._engine, self._queue
        reader = engine.reader
        job_types = JobTypes(source.job_type_limit)
        timetable = Timetable(timedelta(seconds=source.poll_interval + GRACE_SECONDS))
        abilities, replay = Abilities(reader), Replay()
        since_start = SinceStart()
        store = LabelledStore(self._store, source.name, job_types)
        reads = Reads(reader, queue, lambda: job_types.room)
        tally = Tally(
            reader,
            queue,
            reads,
            store,
            settle=timedelta(seconds=source.settle),
            label=job_types.label_again,
            room=lambda: job_types.room,
            turn=turn,
        )
        late = LateRuns(reads, store, tally)
        runs = RunsCollector(tally, late, since_start, job_types, abilities.can, source.scrape_interval)
        job_types.gave_up.append(runs.forget)
        finished = FinishedCollector(reader, queue, job_types, tally, engine.states)
        tally.followers += [since_start, finished, job_types]
        yield ServerCollector(engine, queue, self._store, self._identity, abilities, replay, lambda: job_types.folded)
        changes = ScheduleChanges(self._store, source.name)
        yield SchedulesCollector(
            engine, queue, replay, job_types, timetable, changes, abilities.can, tally.ends, source.schedules
        )
        yield WorkersCollector(reader, queue, replay, job_types)
        yield OldestCollector.active(reader, queue, replay, job_types)
        yield OldestCollector.ready(reader, queue, replay, job_types)
        yield runs
        yield StoreCollector(store)
        yield LiveCollector(reader, queue, replay, job_types, engine.states)
        yield finished
