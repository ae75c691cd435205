"""What a cron expression says, read by croniter and checked where croniter is too generous.

Five fields (minute, hour, day of month, month, day of week), a sixth for seconds stands **last**, as croniter and
with it Ascent's scheduler have it. pg-boss puts seconds first: an engine translates before it calls.

Where both the day of month and the day of week are restricted, either will do, as in every cron.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from croniter import CroniterError, croniter

LAST: Final = -1
"""In ``Fields.days``: the last day of the month. In ``Fields.places``: the last such weekday of the month."""

MAX_LENGTH: Final = 500
"""Characters. Every list of every value a person would write out is shorter."""

ALIASES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31 or L"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of week", "0 to 7 or SUN to SAT, 1#2 for the second Monday, L5 for the last Friday"),
    ("second", "0 to 59"),
)
_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY, _SECOND = range(6)
_SIZES = (60, 24, 31, 12, 7, 60)

_Expanded = list[int | Literal["*", "l"]]

_NAMES = {name: int(value) for index in (_MONTH, _WEEKDAY) for name, value in croniter.ALPHACONV[index].items()}
# Drawn anew at each reading.
_RANDOM = re.compile(r"[hr]\b", re.IGNORECASE)
_RANGE = re.compile(r"(\w+)-(\w+)(/\d+)?")


class InvalidSchedule(ValueError):  # noqa: N818 -- what it says of a schedule, not what went wrong with us
    """An expression or timezone that can't be read; the message names it, what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The values that each field names, sorted.

    ``days`` and ``weekdays`` (0 is Sunday) are None when any will do. ``places`` are pairs of weekday and its
    place in the month; where there are any, ``weekdays`` and ``days`` are None.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...] | None
    places: tuple[tuple[int, int], ...]
    repeats: bool
    """The minute or hour is a wildcard or has a step: more a rhythm than a time of day."""

    @property
    def every_hour(self) -> bool:
        """Whether no hour of the day is left out."""
        return len(self.hours) == _SIZES[_HOUR]

    @property
    def every_month(self) -> bool:
        """Whether no month of the year is left out."""
        return len(self.months) == _SIZES[_MONTH]


def read(expression: str) -> Fields:
    """The fields of *expression*; raises ``InvalidSchedule``."""
    if len(expression) > MAX_LENGTH:
        raise _invalid(expression, f"it has {len(expression)} characters, at most {MAX_LENGTH} are allowed")
    if not (expression.isascii() and expression.isprintable()):
        raise _invalid(expression, "only plain printable characters are allowed")
    texts = ALIASES.get(expression.lower(), expression).split()
    if len(texts) not in (5, 6):
        found = "an unknown alias" if expression.startswith("@") else f"it has {len(texts)} fields"
        allowed = f"five or six fields (seconds last) or one of {', '.join(ALIASES)} are allowed"
        raise _invalid(expression, f"{found}; {allowed}")
    for index, text in enumerate(texts):
        if (wrong := _doubtful(index, text)) is not None:
            raise _invalid_field(expression, index, text, wrong)
    try:
        expanded, nth = croniter.expand(" ".join(texts))
    except CroniterError as error:
        raise _explained(expression, texts) from error
    return _fields(expression, texts, expanded, nth)


def _doubtful(index: int, text: str) -> str | None:
    """What croniter accepts, and reads otherwise than other crons, or anew each time; None where it doesn't."""
    if _RANDOM.match(text):
        return "is a random value"
    if index == _DAY and "w" in text.lower():
        return "asks for the nearest weekday"
    for low_text, high_text, step in _RANGE.findall(text.lower()):
        low, high = _number(low_text), _number(high_text)
        if low is None or high is None:
            continue
        # croniter reads 5-5 as the whole cycle, other crons as 5 alone.
        if low == high or (index == _WEEKDAY and (low, high) == (7, 0)):
            return "has a range of one value (write the value alone)"
        if low > high and step:
            return "has a step over a range that runs backwards (write a list)"
    return None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else _NAMES.get(text)


def _explained(expression: str, texts: list[str]) -> InvalidSchedule:
    """Which field croniter stumbled over."""
    for index, text in enumerate(texts):
        alone = ["*"] * len(_FIELDS)
        alone[index] = text
        if not croniter.is_valid(" ".join(alone)):
            return _invalid_field(expression, index, text, "can't be read")
    return _invalid(expression, "its fields can't be read together")


def _fields(expression: str, texts: list[str], expanded: list[_Expanded], nth: Mapping[Any, set[Any]]) -> Fields:
    days, weekdays = _restricted(expanded[_DAY], _DAY), _restricted(expanded[_WEEKDAY], _WEEKDAY)
    places = tuple(sorted((day, LAST if n == "l" else n) for day, ns in nth.items() for n in ns))
    if places and (days is not None or set(expanded[_WEEKDAY]) != set(nth)):
        raise _invalid(
            expression, "a weekday's place in the month stands alone, with * as day of month and no other weekdays"
        )
    minutes, hours = _values(expanded[_MINUTE], _MINUTE), _values(expanded[_HOUR], _HOUR)
    return Fields(
        seconds=_values(expanded[_SECOND], _SECOND) if len(texts) > _SECOND else (0,),
        minutes=minutes,
        hours=hours,
        # 1-31 is no restriction by itself, but beside a weekday it makes every day match.
        days=None if weekdays is None and _is_whole(days, _DAY) else days,
        months=_values(expanded[_MONTH], _MONTH),
        weekdays=None if places or (days is None and _is_whole(weekdays, _WEEKDAY)) else weekdays,
        places=places,
        repeats=_is_rhythm(minutes, _MINUTE, texts) or _is_rhythm(hours, _HOUR, texts),
    )


def _values(expanded: _Expanded, index: int) -> tuple[int, ...]:
    """Every value of a field; croniter writes ``*`` for all of them."""
    if "*" in expanded:
        first = 1 if index in (_DAY, _MONTH) else 0
        return tuple(range(first, first + _SIZES[index]))
    return tuple(sorted(LAST if value == "l" else int(value) for value in expanded))


def _restricted(expanded: _Expanded, index: int) -> tuple[int, ...] | None:
    return None if "*" in expanded else _values(expanded, index)


def _is_whole(values: tuple[int, ...] | None, index: int) -> bool:
    return values is not None and len(values) == _SIZES[index] and LAST not in values


def _is_rhythm(values: tuple[int, ...], index: int, texts: list[str]) -> bool:
    return len(values) == _SIZES[index] or ("/" in texts[index] and len(values) > 1)


def _invalid_field(expression: str, index: int, text: str, wrong: str) -> InvalidSchedule:
    name, allowed = _FIELDS[index]
    return _invalid(
        expression, f"{name} {shortened(text)!r} {wrong}; {allowed} are allowed, with lists, ranges and steps"
    )


def _invalid(expression: str, wrong: str) -> InvalidSchedule:
    return InvalidSchedule(f"cron {shortened(expression)!r}: {wrong}")


def shortened(text: str) -> str:
    """*text*, or its beginning where a message would drown in it."""
    return text if len(text) <= 80 else text[:77] + "..."
