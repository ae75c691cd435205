"""Where each schedule of a source stands, poll after poll."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType

import structlog

from jobqueue.bounds import line
from jobqueue.rows import Hold, ScheduleRow
from jobqueue.schedules.cron import Cron, parse
from jobqueue.schedules.expiry import described
from jobqueue.schedules.phrases import UNPARSABLE, phrase
from jobqueue.schedules.success import Ends, SuccessWatch, Unsuccessful
from jobqueue.schedules.ticks import MissedTicks, missed_ticks

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring job as it stands at one moment.

    While it is disabled or invalid it has no ``next_run`` and no ``expected_run``, and ``missed_ticks`` is 0.
    """

    job_type: str
    valid: bool
    """Whether its expression and timezone can be read."""
    enabled: bool
    phrase: str
    """Friendly text, the expression where no phrase fits, or ``UNPARSABLE``."""
    description: str
    """With the expiry note."""
    cron: str
    timezone: str
    priority: str
    """High, Normal or Low."""
    next_run: datetime | None
    """None also when it never runs again."""
    expected_run: datetime | None
    """The newest tick that is past."""
    last_enqueued_at: datetime | None
    missed_ticks: int
    unsuccessful: Unsuccessful | None = None
    """None also when it isn't known how its runs ended."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Since when a schedule has had the ticks that it has, and until when they got their jobs."""

    cron: str
    timezone: str
    enabled: bool
    since: datetime
    served_until: datetime

    def is_of(self, row: ScheduleRow) -> bool:
        """Whether a row still has these ticks."""
        return (self.cron, self.timezone, self.enabled) == (row.cron, row.timezone, row.enabled)


class Timetable:
    """Remembers between polls what a row doesn't tell: its ticks, and since when it stands as it does.

    Ticks count as missed from the newest job on, also where the queue has deleted it since, or before a restart; but
    not from before the schedule changed: the time in which it was switched off, or had another expression, raises no
    alarm. One that was never enqueued is counted from when it was first seen. Ticks that a job keeps away don't count,
    while it waits or runs and later. What a poll no longer holds is forgotten.
    """

    def __init__(self, grace: timedelta) -> None:
        self._grace = grace
        self._watched: dict[str, _Watched] = {}
        self._recalled: Mapping[str, Standing] = {}

    @property
    def standings(self) -> Mapping[str, Standing]:
        """What a later process has to know, to be given to ``recall``."""
        return {job_type: known.standing for job_type, known in self._watched.items()}

    def recall(self, standings: Mapping[str, Standing]) -> None:
        """Take in what an earlier process knew; it is used in the next look."""
        self._recalled = standings

    def look(
        self, rows: Iterable[ScheduleRow], now: datetime, ends: Mapping[str, Ends] = MappingProxyType({})
    ) -> list[Schedule]:
        """How the schedules of one poll stand at *now*, by the database's clock; in the order of *rows*.

        *ends* tells how the runs of a job type ended, where that is known.
        """
        watched = [(row, self._watch(row, now)) for row in rows]
        self._watched = {row.job_type: known for row, known in watched}
        self._recalled = {}
        return [known.schedule(row, now, self._grace, ends.get(row.job_type)) for row, known in watched]

    def _watch(self, row: ScheduleRow, now: datetime) -> "_Watched":
        known = self._watched.get(row.job_type)
        told = [known.standing] if known else []
        told += [self._recalled[row.job_type]] if row.job_type in self._recalled else []
        if not told:
            since = min(row.last_enqueued_at or now, now)
            return _Watched(row, since, since)
        standing = max(told, key=lambda standing: standing.since)
        if not standing.is_of(row):
            return _Watched(row, now, now)
        if known and known.since == standing.since:
            return known
        return _Watched(row, standing.since, max(standing.since, min(standing.served_until, now)))


class _Watched:
    """One schedule, for as long as its row keeps the same ticks."""

    def __init__(self, row: ScheduleRow, since: datetime, served_until: datetime) -> None:
        self.since = since
        self._row = row
        self._served_until = served_until
        self._readable = True

    @property
    def standing(self) -> Standing:
        return Standing(self._row.cron, self._row.timezone, self._row.enabled, self.since, self._served_until)

    def schedule(self, row: ScheduleRow, now: datetime, grace: timedelta, ends: Ends | None) -> Schedule:
        unread = _unread(row)
        if not self._readable:
            return unread
        try:
            return self._read(unread, row.hold, now, grace, ends)
        except Exception as error:  # noqa: BLE001 -- whatever one expression does, the other schedules go on
            self._readable = False
            log.warning("schedule.unreadable", job_type=row.job_type, error=line(error) or type(error).__name__)
            return unread

    def _read(
        self, unread: Schedule, hold: Hold | None, now: datetime, grace: timedelta, ends: Ends | None
    ) -> Schedule:
        cron = self._cron
        read = replace(unread, valid=True, phrase=self._phrase)
        if not read.enabled:
            return read
        enqueued = read.last_enqueued_at or self._served_until
        self._served_until = max(self._served_until, min(enqueued, now))
        self._served_until = self._left_out_until(max(self._served_until, enqueued), hold, now)
        return replace(
            read,
            next_run=cron.next_after(now),
            expected_run=cron.last_at_or_before(now),
            missed_ticks=self._missed.count(max(self._served_until, enqueued), now, grace),
            unsuccessful=None if ends is None else self._success.look(ends, self.since, now),
        )

    def _left_out_until(self, served: datetime, hold: Hold | None, now: datetime) -> datetime:
        """Until when the scheduler has done its work: its ticks came, or a job kept them away.

        A tick that was missed before that job came stays missed, and those after it with it: the scheduler was at a
        stand already, and a job by hand shall not hide it.
        """
        if hold is None or hold.until <= served or missed_ticks(self._cron, served, hold.since, timedelta()):
            return self._served_until
        return max(self._served_until, min(hold.until, now))

    @cached_property
    def _cron(self) -> Cron:
        return parse(self._row.cron, self._row.timezone, self._row.dialect)

    @cached_property
    def _phrase(self) -> str:
        return phrase(self._row.cron, self._row.timezone, self._row.dialect)

    @cached_property
    def _missed(self) -> MissedTicks:
        return MissedTicks(self._cron)

    @cached_property
    def _success(self) -> SuccessWatch:
        return SuccessWatch(self._cron)


def _unread(row: ScheduleRow) -> Schedule:
    return Schedule(
        job_type=row.job_type,
        valid=False,
        enabled=row.enabled,
        phrase=UNPARSABLE,
        description=described(row.description, row.expire_after),
        cron=row.cron,
        timezone=row.timezone,
        priority=_priority(row.priority),
        next_run=None,
        expected_run=None,
        last_enqueued_at=row.last_enqueued_at,
        missed_ticks=0,
    )


def _priority(number: int) -> str:
    if number == 0:
        return "Normal"
    return "High" if number > 0 else "Low"
