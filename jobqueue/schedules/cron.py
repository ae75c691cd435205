"""When a schedule is due: its ticks, through every shift of its time zone's clock.

A scheduler of pg-boss, Oban or River looks at the clock: a tick is each moment at which the clock shows a time that
the expression names. There is none in a gap, and one in both passes of an hour that is shown twice.

The rule of the other engines is the one people know from Vixie cron:

- A time of day (``30 2 * * *``) runs once a day. If the clock skips it, it runs when the gap ends; if the clock
  shows it twice, it runs the first time. Several skipped times run once together.
- A rhythm (the minute or hour is ``*`` or has a step: ``*/15 * * * *``, ``0 */2 * * *``) follows the time that
  passes. It runs in both passes of an hour that is shown twice. What falls into a gap runs when the gap ends,
  unless the rhythm goes on unbroken: it covers every hour, and the gap is made of whole hours.

croniter's own search runs a time of day twice in an hour that is shown twice; so croniter is asked for the fields of
an expression only.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from jobqueue.dialects import Dialect
from jobqueue.schedules.clock import WallClock
from jobqueue.schedules.fields import Fields, InvalidSchedule, shortened
from jobqueue.schedules.reading import SHOWN, read
from jobqueue.schedules.walltimes import WallTimes

_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)


class Cron:
    """The ticks of one schedule. Takes aware datetimes, answers in UTC, to the second.

    It remembers the two ticks around the last moment it was asked about, so asking again costs next to nothing
    until the next of them has passed.
    """

    def __init__(self, fields: Fields, zone: ZoneInfo, *, as_shown: bool = False) -> None:
        self._walls = WallTimes(fields)
        self._clock = WallClock(zone)
        self._as_shown = as_shown
        self._every_hour = fields.every_hour
        self._repeats = fields.repeats or as_shown
        self._around: tuple[datetime | None, datetime | None] | None = None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first tick after *moment*, None when there is never one again."""
        return self._ticks_around(moment)[1]

    def last_at_or_before(self, moment: datetime) -> datetime | None:
        """The newest tick that is not after *moment*, None when there was never one."""
        return self._ticks_around(moment)[0]

    def ticks_between(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The ticks with ``after < tick <= until``, oldest first, at most *limit*."""
        return list(islice(self._ticks(after, until), limit))

    def _ticks(self, after: datetime, until: datetime) -> Iterator[datetime]:
        tick = self._first_after(after)
        while tick is not None and tick <= until:
            yield tick
            tick = self._first_after(tick)

    def _ticks_around(self, moment: datetime) -> tuple[datetime | None, datetime | None]:
        if self._around is not None:
            last, following = self._around
            if (last is None or last <= moment) and (following is None or moment < following):
                return self._around
        self._around = self._last_until(moment), self._first_after(moment)
        return self._around

    def _first_after(self, moment: datetime) -> datetime | None:
        early, late = self._clock.shown(moment)
        tick = self._first_from(early + _SECOND, fold=0)
        if early == late or not self._repeats:
            return tick
        ticks = tick, self._first_from(late + _SECOND, fold=1)
        return min((tick for tick in ticks if tick is not None), default=None)

    def _last_until(self, moment: datetime) -> datetime | None:
        early, late = self._clock.shown(moment)
        if not self._repeats:
            return self._last_from(early, fold=0)
        tick = self._last_from(late, fold=1)
        if early == late:
            return tick
        ticks = tick, self._last_from(early, fold=0)
        return max((tick for tick in ticks if tick is not None), default=None)

    def _first_from(self, wall: datetime, fold: int) -> datetime | None:
        found = self._walls.first_from(wall)
        while found is not None:
            tick, gap = self._clock.instant(found, fold)
            if not self._runs_on_across(gap):
                return tick
            found = self._walls.first_from(self._clock.shown(tick)[fold])
        return None

    def _last_from(self, wall: datetime, fold: int) -> datetime | None:
        found = self._walls.last_until(wall)
        while found is not None:
            tick, gap = self._clock.instant(found, fold)
            if not self._runs_on_across(gap):
                return tick
            found = self._walls.last_until(self._clock.shown(tick - _SECOND)[fold])
        return None

    def _runs_on_across(self, gap: timedelta) -> bool:
        return bool(gap) and (self._as_shown or (self._every_hour and not gap % _HOUR))


def parse(expression: str, timezone: str, dialect: Dialect = Dialect.CRONITER) -> Cron:
    """The ticks of *expression* by the clock of *timezone*, an IANA name; raises ``InvalidSchedule``."""
    fields = read(expression, dialect)
    if timezone not in _timezones():
        wrong = "unknown; an IANA name is needed, such as UTC or Europe/Berlin"
        raise InvalidSchedule(f"timezone {shortened(timezone)!r}: {wrong}")
    return Cron(fields, ZoneInfo(timezone), as_shown=dialect in SHOWN)


@cache
def _timezones() -> set[str]:
    """What the IANA database names; not what stands beside it, such as this machine's own time."""
    return available_timezones() - {"localtime", "Factory"}
