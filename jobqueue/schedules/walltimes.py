"""The wall-clock times that an expression names, as naive datetimes of a clock that never shifts."""

import calendar
from array import array
from bisect import bisect_left, bisect_right
from datetime import MAXYEAR, MINYEAR, datetime

from jobqueue.schedules.fields import LAST, Fields

_FIRST_WEEKDAYS = range(7)
_LENGTHS = {month: (28, 29) if month == 2 else (calendar.monthrange(2001, month)[1],) for month in range(1, 13)}


class WallTimes:
    """Finds the wall times of *fields* in both directions, to the second."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        # As small as can be: there may be a thousand expressions, each with every minute of the day.
        self._minutes = array("H", (60 * hour + minute for hour in fields.hours for minute in fields.minutes))
        self._seconds = fields.seconds
        self._days: dict[tuple[int, int, int], tuple[int, ...]] = {}
        # A month is told by its first weekday and its length: there are 28 sorts, and every sort comes round.
        self.never = not any(
            _matching_days(fields, first, length)
            for month in fields.months
            for first in _FIRST_WEEKDAYS
            for length in _LENGTHS[month]
        )

    def first_from(self, wall: datetime) -> datetime | None:
        """The first wall time at or after *wall*, None when there is none."""
        if wall.day in self._days_of(wall.year, wall.month):
            minute = 60 * wall.hour + wall.minute
            at = bisect_left(self._minutes, minute)
            if at < len(self._minutes) and self._minutes[at] == minute:
                second = bisect_left(self._seconds, wall.second)
                if second < len(self._seconds):
                    return wall.replace(second=self._seconds[second])
                at += 1
            if at < len(self._minutes):
                return _at(wall, self._minutes[at], self._seconds[0])
        day = self._day_after(wall)
        return day and _at(day, self._minutes[0], self._seconds[0])

    def last_until(self, wall: datetime) -> datetime | None:
        """The last wall time at or before *wall*, None when there is none."""
        if wall.day in self._days_of(wall.year, wall.month):
            minute = 60 * wall.hour + wall.minute
            at = bisect_right(self._minutes, minute) - 1
            if at >= 0 and self._minutes[at] == minute:
                second = bisect_right(self._seconds, wall.second) - 1
                if second >= 0:
                    return wall.replace(second=self._seconds[second])
                at -= 1
            if at >= 0:
                return _at(wall, self._minutes[at], self._seconds[-1])
        day = self._day_before(wall)
        return day and _at(day, self._minutes[-1], self._seconds[-1])

    def _day_after(self, wall: datetime) -> datetime | None:
        if self.never:
            return None
        year, month, after = wall.year, wall.month, wall.day
        while year <= MAXYEAR:
            for day in self._days_of(year, month):
                if day > after:
                    return datetime(year, month, day)  # noqa: DTZ001 -- a wall time has no zone
            year, month, after = (year, month + 1, 0) if month < 12 else (year + 1, 1, 0)
        return None

    def _day_before(self, wall: datetime) -> datetime | None:
        if self.never:
            return None
        year, month, before = wall.year, wall.month, wall.day
        while year >= MINYEAR:
            for day in reversed(self._days_of(year, month)):
                if day < before:
                    return datetime(year, month, day)  # noqa: DTZ001 -- a wall time has no zone
            year, month, before = (year, month - 1, 32) if month > 1 else (year - 1, 12, 32)
        return None

    def _days_of(self, year: int, month: int) -> tuple[int, ...]:
        if month not in self._fields.months:
            return ()
        first, length = calendar.monthrange(year, month)
        sort = month, first, length
        if sort not in self._days:
            self._days[sort] = _matching_days(self._fields, first, length)
        return self._days[sort]


def _at(day: datetime, minute: int, second: int) -> datetime:
    return day.replace(hour=minute // 60, minute=minute % 60, second=second)


def _matching_days(fields: Fields, first: int, length: int) -> tuple[int, ...]:
    """The days that match in a month which begins on weekday *first* (0 is Monday) and has *length* days."""
    return tuple(day for day in range(1, length + 1) if _matches(fields, day, (first + day) % 7, length))


def _matches(fields: Fields, day: int, weekday: int, length: int) -> bool:
    place, last = (day - 1) // 7 + 1, day + 7 > length
    of_month = fields.days is not None and (day in fields.days or (day == length and LAST in fields.days))
    of_week = (
        (fields.weekdays is not None and weekday in fields.weekdays)
        or (weekday, place) in fields.places
        or (last and (weekday, LAST) in fields.places)
    )
    any_day, any_weekday = fields.days is None, fields.weekdays is None and not fields.places
    if any_day or any_weekday:
        return (any_day or of_month) and (any_weekday or of_week)
    return (of_month and of_week) if fields.both_days else (of_month or of_week)
