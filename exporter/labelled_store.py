"""The store of counted runs, whose day comes under labels."""

from collections.abc import Callable

from exporter.counting.day import Day
from exporter.counting.store import RunStore
from exporter.database import Database
from exporter.job_types import JobTypes
from jobqueue.bounds import OTHER
from jobqueue.engine import Room


class LabelledStore(RunStore):
    """Lets the types that ran in the last 24 hours have their places before those that ran earlier.

    The store knows the last run of every type for ever: those that are gone would have all places after a restart.
    """

    def __init__(self, database: Database, source: str, job_types: JobTypes) -> None:
        super().__init__(database, source)
        self._job_types = job_types

    async def day(self, first_minute: int, label: Callable[[str], str], room: Callable[[], Room]) -> Day:
        """Add up the window under names, and then under the labels that they have by then."""
        return self._labelled(await super().day(first_minute, self._read_by_name, room), label)

    def _read_by_name(self, job_type: str) -> str:
        self._job_types.try_place(job_type)
        return job_type

    def _labelled(self, by_name: Day, label: Callable[[str], str]) -> Day:
        day = Day(by_name.first_minute)
        for job_type, of_type in by_name.types.items():
            # One whose jobs were all cancelled has no last run.
            if of_type.runs or of_type.last_run_at is None:
                label(job_type)
        for job_type, of_type in by_name.types.items():
            total = day.of(job_type if self._job_types.has_place(job_type) else OTHER)
            total.note_last(of_type.last_run_at, of_type.last_success_at)
            total.note_failure(of_type.failing_since)
            total.runs += of_type.runs
            total.failures += of_type.failures
            total.durations.update(of_type.durations)
            for minute, seconds in of_type.maxima:
                total.note_longest(minute, seconds)
        return day
