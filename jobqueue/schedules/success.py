"""How long a schedule has gone without a success, told in its own ticks.

Seconds would not do: the gap between two ticks is a day on Tuesday and three days on Friday, and an alert that compares
an age with a gap ends when the gap becomes longer, though nothing has succeeded. A count of ticks only rises.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobqueue.schedules.cron import Cron
from jobqueue.schedules.ticks import CLOCK_SLACK, MissedTicks


@dataclass(frozen=True, slots=True)
class Ends:
    """How the newest runs of a job type ended."""

    last_run_at: datetime
    last_success_at: datetime | None
    failing_since: datetime | None
    """When the first failed run after the newest success ended; None when the newest run succeeded."""


@dataclass(frozen=True, slots=True)
class Unsuccessful:
    """A schedule's ticks since its newest success, or since the schedule changed, if that was later."""

    ticks: int | None
    """Those that are past; None when no success is known."""
    since: datetime | None
    """The first of them; None when there is none."""
    failed_ticks: int
    """Those from the first failed run up to the newest one; 0 when the newest run succeeded."""


class SuccessWatch:
    """Counts those ticks of one schedule poll after poll, and each tick once."""

    def __init__(self, cron: Cron) -> None:
        self._cron = cron
        self._ticks, self._failed = MissedTicks(cron), MissedTicks(cron)
        self._first: tuple[datetime, datetime | None] | None = None

    def look(self, ends: Ends, changed_at: datetime, now: datetime) -> Unsuccessful:
        """How it stands at *now*, for a schedule that has had its ticks since *changed_at*."""
        failed = 0
        if ends.failing_since is not None and ends.last_run_at >= changed_at:
            failed = 1 + self._failed.count(max(ends.failing_since, changed_at), ends.last_run_at, timedelta())
        if ends.last_success_at is None:
            return Unsuccessful(None, None, failed)
        begin = max(ends.last_success_at, changed_at)
        ticks = self._ticks.count(begin, now, timedelta())
        return Unsuccessful(ticks, self._first_after(begin) if ticks else None, failed)

    def _first_after(self, begin: datetime) -> datetime | None:
        if self._first is None or self._first[0] != begin:
            self._first = begin, self._cron.next_after(begin + CLOCK_SLACK)
        return self._first[1]
