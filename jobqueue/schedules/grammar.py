"""Reads the cron dialects that no library of Python reads: pg-boss', Oban's, Graphile Worker's and River's.

Each grammar is held against the engine's own parser in ``tests/schedules/test_dialects.py``; River's against the
rules of robfig/cron, which is written in Go.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

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
    invalid,
    is_rhythm,
    is_whole,
    shortened,
)

_FIRST = (0, 0, 1, 1, 0, 0)
_NAMES = ("minute", "hour", "day of month", "month", "day of week", "second")
_WRITTEN: Mapping[int, tuple[str, ...]] = {
    MONTH: ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    WEEKDAY: ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_WORD = re.compile(r"(?<![A-Za-z\d])[A-Za-z]{3}(?=L?(?![A-Za-z\d]))")
_ITEM = re.compile(r"(?:([*?])|(\d{1,9})(?:-(\d{1,9}))?)(?:/(\d{1,9}))?", re.ASCII)
_LAST_WEEKDAY = re.compile(r"([0-7])L", re.ASCII)
_PLACE = re.compile(r"([*?]|\d{1,9})#([1-5])", re.ASCII)
_STANDARD: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MIDNIGHT: Final = {"@midnight": "0 0 * * *"}


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules of an engine's parser."""

    longest: int = 500
    """Characters of an expression."""
    fewest_fields: int = 5
    """Of fewer than five, those that are missing are any, from the minute on."""
    seconds_first: bool = False
    """Whether a sixth field is allowed, and stands first."""
    one_a_minute: bool = False
    """Whether several ticks of one minute make one job."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    names: Literal["", "upper", "any"] = ""
    """How the names of months and weekdays may be written: in ``upper`` or ``any`` case; not at all where empty."""
    wildcards: str = "*"
    highest_weekday: int = 7
    """7 is Sunday, too, where it is allowed."""
    last_weekday_of_step: int = 7
    """Where a step that begins at a weekday ends."""
    steps_of_ranges: bool = True
    """Whether ``1-9/2`` and ``5/2``, every second value from 5 on, are understood beside ``*/2``."""
    widest_step: int = 999_999_999
    ranges_of_one: bool = True
    repeated_values: bool = True
    empty_items: bool = False
    """Whether nothing between two commas is passed over."""
    last_days: bool = False
    """Whether ``L``, ``5L`` and ``1#2`` are understood."""
    both_days: bool = False
    """Whether the day of month and the day of week must match both."""
    any_day_is: Literal["whole", "written", "star"] = "whole"
    """When a field of days restricts nothing: it has every value, it is a wildcard alone, or it has a wildcard."""


PGBOSS: Final = Grammar(
    longest=1024,
    fewest_fields=1,
    seconds_first=True,
    one_a_minute=True,
    aliases=_STANDARD
    | {"@minutely": "* * * * *", "@secondly": "* * * * * *", "@weekdays": "0 0 * * 1-5", "@weekends": "0 0 * * 0,6"},
    names="any",
    wildcards="*?",
    repeated_values=False,
    last_days=True,
    any_day_is="written",
)
OBAN: Final = Grammar(aliases=_STANDARD | _MIDNIGHT, names="upper", widest_step=99, both_days=True)
GRAPHILE: Final = Grammar(last_weekday_of_step=6, steps_of_ranges=False, ranges_of_one=False)
RIVER: Final = Grammar(
    aliases=_STANDARD | _MIDNIGHT,
    names="any",
    wildcards="*?",
    highest_weekday=6,
    last_weekday_of_step=6,
    empty_items=True,
    any_day_is="star",
)


def read_by(grammar: Grammar, expression: str) -> Fields:
    """The fields of *expression*; raises ``InvalidSchedule``."""
    if len(expression) > grammar.longest:
        raise invalid(expression, f"it has {len(expression)} characters, at most {grammar.longest} are allowed")
    texts = _texts(grammar, expression)
    read = [_Field(grammar, index, text, expression) for index, text in enumerate(texts)]
    minutes, hours, days, months, weekdays, seconds = (one.values for one in read)
    any_day, any_weekday = read[DAY].is_any, read[WEEKDAY].is_any
    # Beside a weekday, the whole month is a restriction that every day passes.
    any_day = any_day or (any_weekday and is_whole(days, DAY))
    any_weekday = any_weekday or (any_day and is_whole(weekdays, WEEKDAY))
    return Fields(
        seconds=seconds[:1] if grammar.one_a_minute else seconds,
        minutes=minutes,
        hours=hours,
        days=None if any_day else days,
        months=months,
        weekdays=None if any_weekday else weekdays,
        places=() if any_weekday else read[WEEKDAY].places,
        repeats=is_rhythm(minutes, MINUTE, texts[MINUTE]) or is_rhythm(hours, HOUR, texts[HOUR]),
        both_days=grammar.both_days,
    )


def _texts(grammar: Grammar, expression: str) -> list[str]:
    """The text of each field, in the order of ``MINUTE`` to ``SECOND``."""
    texts = grammar.aliases.get(expression.strip(), expression).split()
    allowed = "five or six fields (seconds first)" if grammar.seconds_first else "five fields"
    if grammar.aliases:
        allowed += f" or one of {', '.join(grammar.aliases)}"
    if texts and texts[0].startswith("@"):
        raise invalid(expression, f"an unknown alias; {allowed} are allowed")
    if not grammar.fewest_fields <= len(texts) <= 5 + grammar.seconds_first:
        raise invalid(expression, f"it has {len(texts)} fields; {allowed} are allowed")
    if len(texts) == len(SIZES):
        return [*texts[1:], texts[0]]
    return ["*"] * (SECOND - len(texts)) + texts + ["0"]


class _Field:
    """One field of an expression, with its values."""

    def __init__(self, grammar: Grammar, index: int, text: str, expression: str) -> None:
        self._grammar, self._index, self._text, self._expression = grammar, index, text, expression
        self._highest = _FIRST[index] + SIZES[index] - 1
        self._stars = False
        self._single = set[tuple[int, int]]()
        named = self._named()
        found = [value for item in self._items(named) for value in self._item(item)]
        if not grammar.repeated_values and len(found) != len(set(found)):
            raise self._refusal("names a value twice")
        self.places = tuple(sorted(self._single))
        folded = {value % 7 for value in found} if index == WEEKDAY else set(found)
        self.values = tuple(sorted(folded))

    @property
    def is_any(self) -> bool:
        """Whether the field is no restriction, as this grammar sees it."""
        match self._grammar.any_day_is:
            case "whole":
                return is_whole(self.values, self._index)
            case "written":
                return self._text in ("*", "?")
            case "star":
                return self._stars

    def _named(self) -> str:
        """The text with numbers for names."""
        names, case = _WRITTEN.get(self._index, ()), self._grammar.names

        def number(match: re.Match[str]) -> str:
            word = match[0]
            known = word.lower() in names and (case == "any" or (case == "upper" and word.isupper()))
            return str(names.index(word.lower())) if known else word

        return _WORD.sub(number, self._text)

    def _items(self, text: str) -> list[str]:
        items = text.split(",")
        if self._grammar.empty_items:
            items = [item for item in items if item]
            if not items:
                raise self._refusal("names nothing")
        return items

    def _item(self, item: str) -> list[int]:
        if self._grammar.last_days and self._index in (DAY, WEEKDAY) and (place := self._place(item)) is not None:
            return place
        parts = _ITEM.fullmatch(item)
        if parts is None or (parts[1] and parts[1] not in self._grammar.wildcards):
            raise self._refusal("can't be read")
        low, high = self._range(parts)
        step = int(parts[4] or 1)
        if not 1 <= step <= self._grammar.widest_step:
            raise self._refusal(f"has the step {step}")
        self._stars |= bool(parts[1]) and step == 1
        values = list(range(low, high + 1, step))
        # A range that reaches Sunday as 7 has it as 0, too, so that neither may be named again.
        if self._index == WEEKDAY and 7 in values and 0 not in values and (parts[1] or parts[3] or parts[4]):
            values.append(0)
        return [0] if self._index == WEEKDAY and values == [7] else values

    def _range(self, parts: re.Match[str]) -> tuple[int, int]:
        first = _FIRST[self._index]
        end = self._grammar.last_weekday_of_step if self._index == WEEKDAY else self._highest
        highest = self._grammar.highest_weekday if self._index == WEEKDAY else self._highest
        if parts[1]:
            return first, end
        low = int(parts[2])
        high = int(parts[3] or low)
        if parts[4] and not self._grammar.steps_of_ranges:
            raise self._refusal("has a step that isn't one of all values")
        if parts[4] and not parts[3]:
            high = end
        if parts[3] and (low > high or (low == high and not self._grammar.ranges_of_one)):
            raise self._refusal("has a range that doesn't run forwards")
        if low < first or high > highest or low > highest:
            raise self._refusal("is out of range")
        return low, high

    def _place(self, item: str) -> list[int] | None:
        """The days of ``L`` and ``#``; None for an item that has neither."""
        if self._index == DAY:
            return [LAST] if item == "L" else None
        if last := _LAST_WEEKDAY.fullmatch(item):
            self._single.add((int(last[1]) % 7, LAST))
            return []
        # The place of a weekday stands alone: it would hold for every item.
        if (nth := _PLACE.fullmatch(item)) and item == self._named():
            weekdays = range(7) if nth[1] in "*?" else [int(nth[1])]
            if max(weekdays) > self._grammar.highest_weekday:
                raise self._refusal("is out of range")
            self._single |= {(weekday % 7, int(nth[2])) for weekday in weekdays}
            return []
        return None

    def _refusal(self, wrong: str) -> ValueError:
        first, highest = _FIRST[self._index], self._highest
        if self._index == WEEKDAY:
            highest = self._grammar.highest_weekday
        return invalid(
            self._expression,
            f"{_NAMES[self._index]} {shortened(self._text)!r} {wrong}; "
            f"{first} to {highest} are allowed, with lists, ranges and steps",
        )
