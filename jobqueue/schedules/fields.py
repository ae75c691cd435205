"""The values of a cron expression's fields, the same for every dialect."""

from dataclasses import dataclass
from typing import Final

LAST: Final = -1
"""In ``Fields.days``: the last day of the month. In ``Fields.places``: the last such weekday of the month."""

SIZES: Final = (60, 24, 31, 12, 7, 60)
"""How many values each field has, in the order of ``MINUTE`` to ``SECOND``."""

MINUTE, HOUR, DAY, MONTH, WEEKDAY, SECOND = range(6)

_SHOWN = 80


class InvalidSchedule(ValueError):  # noqa: N818 -- it describes a schedule, not a failure of ours
    """An expression or timezone that can't be read; the message names it, its fault and the allowed values."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The values that each field names, sorted.

    ``days`` is None when any day of the month will do; ``weekdays`` (0 is Sunday) and ``places`` (pairs of weekday
    and its place in the month) are None and empty when any day of the week will do.
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
    both_days: bool = False
    """Whether the day of month and the day of week must match both, where both are restricted; otherwise either."""

    @property
    def every_hour(self) -> bool:
        """Whether no hour of the day is left out."""
        return len(self.hours) == SIZES[HOUR]

    @property
    def every_month(self) -> bool:
        """Whether no month of the year is left out."""
        return len(self.months) == SIZES[MONTH]


def is_whole(values: tuple[int, ...] | None, index: int) -> bool:
    """Whether the values of the field at *index* leave none out."""
    return values is not None and len(values) == SIZES[index] and LAST not in values


def is_rhythm(values: tuple[int, ...], index: int, text: str) -> bool:
    """Whether a field written as *text* is a rhythm rather than a time."""
    return len(values) == SIZES[index] or ("/" in text and len(values) > 1)


def invalid(expression: str, wrong: str) -> InvalidSchedule:
    """The refusal of *expression*."""
    return InvalidSchedule(f"cron {shortened(expression)!r}: {wrong}")


def shortened(text: str) -> str:
    """*text*, or its beginning where a message would drown in it."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
