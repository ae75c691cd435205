"""A cron expression as people say it, or as it stands where no phrase says exactly that.

A phrase is never half true: ``*/7 * * * *`` is not "Every 7 minutes", as it begins anew each hour, and day 31
doesn't come monthly.
"""

import calendar
import re
from collections.abc import Iterable
from itertools import islice, pairwise, product
from typing import Final

from jobqueue.dialects import Dialect
from jobqueue.schedules.fields import LAST, Fields, InvalidSchedule
from jobqueue.schedules.reading import read

UNPARSABLE: Final = "Can't be parsed"

_FEW = 4
"""A longer list of times, days or dates says less than the expression."""

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_WEEKDAY_SETS = {(1, 2, 3, 4, 5): "weekdays", (0, 6): "weekends"}
_PLACES = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS_OF_EVERY_MONTH = range(1, 29)
_COMMON_YEAR = 2001
_UTC = frozenset(
    {"UTC", "Etc/UTC", "Etc/UCT", "GMT", "Etc/GMT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal", "UCT"}
)
_TIMELESS = re.compile(r"Every (\d+ )?(second|minute|hour)s?")


def phrase(expression: str, timezone: str = "UTC", dialect: Dialect = Dialect.CRONITER) -> str:
    """Friendly text for *expression*: a phrase, the expression itself, or ``UNPARSABLE``.

    A phrase that names a time or a day names the *timezone* too, unless that is UTC: the times beside it are the
    viewer's.
    """
    try:
        fields = read(expression, dialect)
    except InvalidSchedule:
        return UNPARSABLE
    rhythm = _endless_rhythm(fields)
    said = _on_weekdays(fields, rhythm or _spell(fields)) or _clock_phrase(fields)
    if said is None:
        return expression
    return said if timezone in _UTC or _TIMELESS.fullmatch(said) else f"{said} ({timezone})"


def _any_day(fields: Fields) -> bool:
    """Whether no day is left out but by its weekday."""
    return fields.every_month and fields.days is None and not fields.places


def _on_weekdays(fields: Fields, rhythm: str | None) -> str | None:
    """Such as "Every 15 minutes on weekdays"."""
    if not _any_day(fields):
        return None
    if rhythm is None or fields.weekdays is None:
        return rhythm
    on, weekdays = _weekdays(fields.weekdays)
    return f"{rhythm} {'on' if on else 'except on'} {weekdays}"


def _endless_rhythm(fields: Fields) -> str | None:
    """A rhythm that goes on evenly from one day into the next, such as "Every 15 minutes from :02"."""
    if fields.seconds != (0,):
        every_minute = fields.every_hour and len(fields.minutes) == 60
        return _every(fields.seconds, 60, "second") if every_minute else None
    first, *more = fields.minutes
    if fields.every_hour:
        return _within_the_hour(fields.minutes)
    if more or not (fields.repeats or len(fields.hours) > _FEW):
        return None  # "0 0,12" names two times of day, "0 */12" a rhythm
    hours = _every(fields.hours, 24, "hour")
    return f"{hours} at :{first:02}" if hours and first else hours


def _within_the_hour(minutes: tuple[int, ...]) -> str | None:
    """A rhythm that each hour begins anew, such as "Hourly at :05 and :35"."""
    if minutes == (0,):
        return "Every hour"
    even = _every(minutes, 60, "minute")
    if even:
        return even
    first, *more = minutes
    shifted = _every(tuple(minute - first for minute in minutes), 60, "minute")
    if shifted and len(more) > 1:
        return f"{shifted} from :{first:02}"
    listed = _few(f":{minute:02}" for minute in minutes)
    return listed and f"Hourly at {listed}"


def _spell(fields: Fields) -> str | None:
    """A rhythm over a part of the day, such as "Every 30 minutes from 9:00 AM to 5:30 PM"."""
    if fields.seconds != (0,):
        return None
    minutes = [60 * hour + minute for hour, minute in product(fields.hours, fields.minutes)]
    if len(minutes) <= _FEW or len({after - before for before, after in pairwise(minutes)}) > 1:
        return None
    step = minutes[1] - minutes[0]
    rhythm = _steps(step // 60, "hour") if step % 60 == 0 else _steps(step, "minute")
    first, last = (_time(*divmod(minute, 60)) for minute in (minutes[0], minutes[-1]))
    return f"{rhythm} from {first} to {last}"


def _every(values: tuple[int, ...], size: int, unit: str) -> str | None:
    """Only for steps that go on evenly into the next cycle."""
    if len(values) == 1:
        return None
    step = values[1]
    return _steps(step, unit) if size % step == 0 and values == tuple(range(0, size, step)) else None


def _steps(step: int, unit: str) -> str:
    return f"Every {unit}" if step == 1 else f"Every {step} {unit}s"


def _clock_phrase(fields: Fields) -> str | None:
    """Such as "Weekdays at 9:00 AM"."""
    days, times = _days(fields), _times(fields)
    return f"{days} at {times}" if days and times else None


def _times(fields: Fields) -> str | None:
    if fields.seconds != (0,):
        return None
    return _few(_time(hour, minute) for hour, minute in product(fields.hours, fields.minutes))


def _time(hour: int, minute: int) -> str:
    if minute == 0 and hour % 12 == 0:
        return "noon" if hour else "midnight"
    return f"{hour % 12 or 12}:{minute:02} {'PM' if hour >= 12 else 'AM'}"


def _days(fields: Fields) -> str | None:
    if fields.days is not None:
        if fields.weekdays is not None or fields.places:
            return None
        return _of_month(fields.days) if fields.every_month else _of_year(fields.months, fields.days)
    if not fields.every_month:
        return None
    if fields.places:
        return None if fields.weekdays else _place(fields.places)
    if fields.weekdays is None:
        return "Daily"
    on, weekdays = _weekdays(fields.weekdays)
    return weekdays[0].upper() + weekdays[1:] if on else f"Daily except {weekdays}"


def _weekdays(weekdays: tuple[int, ...]) -> tuple[bool, str]:
    """Whether it is these weekdays, or all but these."""
    if weekdays in _WEEKDAY_SETS:
        return True, _WEEKDAY_SETS[weekdays]
    on = len(weekdays) <= _FEW
    monday_first = [day for day in (1, 2, 3, 4, 5, 6, 0) if (day in weekdays) == on]
    return on, _joined([f"{_WEEKDAYS[day]}s" for day in monday_first])


def _place(places: tuple[tuple[int, int], ...]) -> str | None:
    (weekday, place), *others = places
    if others or place not in _PLACES:
        return None
    return f"Monthly on the {_PLACES[place]} {_WEEKDAYS[weekday]}"


def _of_month(days: tuple[int, ...]) -> str | None:
    if days == (LAST,):
        return "Monthly on the last day"
    if not all(day in _DAYS_OF_EVERY_MONTH for day in days):
        return None
    listed = _few(str(day) for day in days)
    return listed and f"Monthly on {'day' if len(days) == 1 else 'days'} {listed}"


def _of_year(months: tuple[int, ...], days: tuple[int, ...]) -> str | None:
    dates = list(product(months, days))
    if not all(1 <= day <= calendar.monthrange(_COMMON_YEAR, month)[1] for month, day in dates):
        return None
    listed = _few(f"{_MONTHS[month - 1]} {day}" for month, day in dates)
    return listed and f"Yearly on {listed}"


def _few(items: Iterable[str]) -> str | None:
    listed = list(islice(items, _FEW + 1))
    return _joined(listed) if len(listed) <= _FEW else None


def _joined(items: list[str]) -> str:
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last
