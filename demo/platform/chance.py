"""The platform's dice: how long work takes, whether it fails, when users are about."""

import math
from datetime import UTC, datetime, timedelta
from random import Random

from demo.platform.catalogue import Work

DICE = Random()

_SLOW = 10.0
_FIRST_BACKOFF = 5.0
_BUSIEST_HOUR, _BUSY_HOURS, _NIGHT = 14.0, 4.5, 0.15

_ERRORS = (
    "TimeoutError: no answer within 10 s",
    "ConnectionResetError: connection reset by peer",
    "HTTPError: 503 Service Unavailable",
    "ValueError: unexpected content",
)


def duration(work: Work, dice: Random = DICE) -> float:
    """Seconds that an attempt takes."""
    seconds = dice.lognormvariate(math.log(work.seconds), work.spread)
    return seconds * _SLOW if dice.random() < work.slow else seconds


def error(work: Work, dice: Random = DICE) -> str | None:
    """What went wrong in an attempt; None when nothing did."""
    return dice.choice(_ERRORS) if dice.random() < work.failing else None


def backoff(retries: int, dice: Random = DICE) -> timedelta:
    """The pause before the next attempt: twice as long after each, and never the same for two jobs."""
    return timedelta(seconds=_FIRST_BACKOFF * 2**retries * dice.uniform(1, 1.5))


def busyness(moment: datetime) -> float:
    """How much goes on at *moment*, between 0 and 1: a night's calm and a peak in the afternoon."""
    at = moment.astimezone(UTC)
    away = (at.hour + at.minute / 60 - _BUSIEST_HOUR) / _BUSY_HOURS
    return _NIGHT + (1 - _NIGHT) * math.exp(-(away**2))
