"""The recurring jobs: when they are due, and whether they got their ticks."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

from exporter.abilities import Can
from exporter.database import Database, database_now
from exporter.job_types import JobTypes
from exporter.replay import Replay
from exporter.samples import Sample, Samples, at
from exporter.schedule_changes import ScheduleChanges
from jobqueue.catalogue import (
    FOLDED,
    SCHEDULE_ENABLED,
    SCHEDULE_EXPECTED,
    SCHEDULE_FAILED,
    SCHEDULE_INFO,
    SCHEDULE_LAST_ENQUEUED,
    SCHEDULE_MISSED,
    SCHEDULE_NEXT,
    SCHEDULE_UNSUCCESSFUL,
    SCHEDULE_UNSUCCESSFUL_SINCE,
    SCHEDULE_VALID,
)
from jobqueue.config import ConfiguredSchedule
from jobqueue.engine import Capability, Engine
from jobqueue.recurring import recurring
from jobqueue.schedules import Ends, Schedule, Timetable


class SchedulesCollector:
    """One set of series a schedule; one that can't be parsed is shown as such."""

    name = "schedules"
    share = 0.0005

    def __init__(
        self,
        engine: Engine,
        queue: Database,
        replay: Replay,
        job_types: JobTypes,
        timetable: Timetable,
        changes: ScheduleChanges,
        can: Can,
        ends: Callable[[], Mapping[str, Ends]],
        configured: Sequence[ConfiguredSchedule] = (),
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._replay = replay
        self._job_types = job_types
        self._timetable = timetable
        self._changes = changes
        self._can = can
        self._ends = ends
        self._configured = configured

    async def collect(self) -> Samples:
        """Read the schedules and look up their ticks, by the queue's clock."""
        async with self._queue.transaction() as conn:
            lag = await self._replay.lag(conn)
            found = await recurring(self._engine, conn, self._configured)
            # Of a standby the moment that it knows: what came later isn't missing, it is on its way.
            now = await database_now(conn) - lag
        self._timetable.recall(await self._changes.recall())
        ends = self._ends() if self._can(Capability.COMPLETIONS) else {}
        # In a thread: to read an expression takes a millisecond, and a scrape shall not wait for a thousand.
        schedules = await asyncio.to_thread(self._timetable.look, found.rows, now, ends)
        await self._changes.keep(self._timetable.standings)
        # A schedule beyond the limit of job types has no label of its own to be shown under.
        shown = [schedule for schedule in schedules if self._job_types.label(schedule.job_type) == schedule.job_type]
        without_jobs = {row.job_type for row in found.rows if not row.has_jobs}
        self._job_types.see(self.name, {schedule.job_type for schedule in shown} - without_jobs)
        ticks_known = self._can(Capability.TICKS)
        folded = Sample(FOLDED, ("schedules",), found.more + len(schedules) - len(shown))
        return (folded, *(sample for schedule in shown for sample in _samples(schedule, ticks_known=ticks_known)))


def _samples(schedule: Schedule, *, ticks_known: bool) -> Iterator[Sample]:
    key = (schedule.job_type,)
    info = (schedule.description, schedule.phrase, schedule.cron, schedule.timezone, schedule.priority)
    yield Sample(SCHEDULE_INFO, key + info, 1)
    yield Sample(SCHEDULE_ENABLED, key, schedule.enabled)
    yield Sample(SCHEDULE_VALID, key, schedule.valid)
    yield from at(SCHEDULE_NEXT, key, schedule.next_run)
    yield from at(SCHEDULE_EXPECTED, key, schedule.expected_run)
    if ticks_known:
        yield from at(SCHEDULE_LAST_ENQUEUED, key, schedule.last_enqueued_at)
        yield Sample(SCHEDULE_MISSED, key, schedule.missed_ticks)
    if schedule.unsuccessful is not None:
        yield Sample(SCHEDULE_FAILED, key, schedule.unsuccessful.failed_ticks)
        yield from at(SCHEDULE_UNSUCCESSFUL_SINCE, key, schedule.unsuccessful.since)
        if schedule.unsuccessful.ticks is not None:
            yield Sample(SCHEDULE_UNSUCCESSFUL, key, schedule.unsuccessful.ticks)
