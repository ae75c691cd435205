"""The dialect of Python's croniter, read by croniter and checked where croniter is too generous.

Five fields (minute, hour, day of month, month, day of week), a sixth for seconds stands **last**. Where both the day
of month and the day of week are restricted, either will do.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from croniter import CroniterError, croniter

from jobqueue.schedules.fields import (
    DAY,
    HOUR,
    LAST,
    MINUTE,
    MONTH,
    SECOND,
    SIZES,
    WEEKDAY,
    Fields,
    InvalidSchedule,
    invalid,
    is_rhythm,
    is_whole,
    shortened,
)

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
_Expanded = list[int | Literal["*", "l"]]

_NAMES = {name: int(value) for index in (MONTH, WEEKDAY) for name, value in croniter.ALPHACONV[index].items()}
# Drawn anew at each reading.
_RANDOM = re.compile(r"[hr]\b", re.IGNORECASE)
_RANGE = re.compile(r"(\w+)-(\w+)(/\d+)?")


def read_croniter(expression: str) -> Fields:
    """The fields of *expression*; raises ``InvalidSchedule``."""
    if len(expression) > MAX_LENGTH:
        raise invalid(expression, f"it has {len(expression)} characters, at most {MAX_LENGTH} are allowed")
    texts = ALIASES.get(expression.strip().lower(), expression).split()
    if not expression.isascii() or not all(text.isprintable() for text in texts):
        raise invalid(expression, "only plain printable characters are allowed")
    if len(texts) not in (5, 6):
        found = "an unknown alias" if expression.startswith("@") else f"it has {len(texts)} fields"
        allowed = f"five or six fields (seconds last) or one of {', '.join(ALIASES)} are allowed"
        raise invalid(expression, f"{found}; {allowed}")
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
    if index == DAY and "w" in text.lower():
        return "asks for the nearest weekday"
    for low_text, high_text, step in _RANGE.findall(text.lower()):
        low, high = _number(low_text), _number(high_text)
        if low is None or high is None:
            continue
        # croniter reads 5-5 as the whole cycle, other crons as 5 alone.
        if low == high or (index == WEEKDAY and (low, high) == (7, 0)):
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
    return invalid(expression, "its fields can't be read together")


def _fields(expression: str, texts: list[str], expanded: list[_Expanded], nth: Mapping[Any, set[Any]]) -> Fields:
    days, weekdays = _restricted(expanded[DAY], DAY), _restricted(expanded[WEEKDAY], WEEKDAY)
    places = tuple(sorted((day, LAST if n == "l" else n) for day, ns in nth.items() for n in ns))
    if places and (days is not None or set(expanded[WEEKDAY]) != set(nth)):
        raise invalid(
            expression, "a weekday's place in the month stands alone, with * as day of month and no other weekdays"
        )
    minutes, hours = _values(expanded[MINUTE], MINUTE), _values(expanded[HOUR], HOUR)
    return Fields(
        seconds=_values(expanded[SECOND], SECOND) if len(texts) > SECOND else (0,),
        minutes=minutes,
        hours=hours,
        # 1-31 is no restriction by itself, but beside a weekday it makes every day match.
        days=None if weekdays is None and is_whole(days, DAY) else days,
        months=_values(expanded[MONTH], MONTH),
        weekdays=None if places or (days is None and is_whole(weekdays, WEEKDAY)) else weekdays,
        places=places,
        repeats=is_rhythm(minutes, MINUTE, texts[MINUTE]) or is_rhythm(hours, HOUR, texts[HOUR]),
    )


def _values(expanded: _Expanded, index: int) -> tuple[int, ...]:
    """Every value of a field; croniter writes ``*`` for all of them."""
    if "*" in expanded:
        first = 1 if index in (DAY, MONTH) else 0
        return tuple(range(first, first + SIZES[index]))
    return tuple(sorted(LAST if value == "l" else int(value) for value in expanded))


def _restricted(expanded: _Expanded, index: int) -> tuple[int, ...] | None:
    return None if "*" in expanded else _values(expanded, index)


def _invalid_field(expression: str, index: int, text: str, wrong: str) -> InvalidSchedule:
    name, allowed = _FIELDS[index]
    return invalid(
        expression, f"{name} {shortened(text)!r} {wrong}; {allowed} are allowed, with lists, ranges and steps"
    )
