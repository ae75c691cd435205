"""How values may be written: durations, numbers and switches as text, each item of a list once."""

import re
from collections.abc import Callable
from typing import Any

from pydantic import ConfigDict
from pydantic_core import PydanticCustomError

STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)
"""For every model: no unknown key, and nothing of a value in an error."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(?: ?(second|minute|hour|day)s?)?", re.ASCII)
_SECONDS = {None: 1, "second": 1, "minute": 60, "hour": 3600, "day": 86400}
_NUMBER = re.compile(r"[0-9]{1,5}")
_SWITCH = {"true": True, "false": False}


def duration(value: object) -> object:
    """Seconds for a text such as ``15 minutes`` or ``900``."""
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return float(match[1]) * _SECONDS[match[2]]
    if isinstance(value, str | bool):
        raise ValueError("not a duration")
    return value


def number(value: object) -> object:
    """The number in a text of digits, as it comes from the environment."""
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def switch(value: object) -> object:
    """True or false for the text that says so, as it comes from the environment."""
    return _SWITCH.get(value.lower(), value) if isinstance(value, str) else value


def lower(value: object) -> object:
    """A text in lower case."""
    return value.lower() if isinstance(value, str) else value


def once(key: str = "") -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Make a check that no two items are the same, or have the same *key*."""

    def check(items: tuple[Any, ...]) -> tuple[Any, ...]:
        seen = set()
        for index, item in enumerate(items):
            value = getattr(item, key) if key else item
            if value in seen:
                raise PydanticCustomError("repeated", "repeated", {"place": (index, key) if key else (index,)})
            seen.add(value)
        return items

    return check
