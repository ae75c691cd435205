"""Times and lengths of time, for people."""

from datetime import UTC, datetime, timedelta

_UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)
_NOW = timedelta(seconds=2)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits: ``3 minutes ago``, ``just now``, ``in 2 hours``."""
    passed = now - moment
    if abs(passed) < _NOW:
        return "just now"
    return f"{_largest(passed)} ago" if passed > timedelta() else f"in {_largest(-passed)}"


def lasting(length: timedelta) -> str:
    """A length of time in its two largest units: ``0.4 seconds``, ``2 minutes 5 seconds``."""
    if length < timedelta(seconds=0.1):
        return "under 0.1 seconds"
    if length < timedelta(seconds=10):
        return f"{length.total_seconds():.1f} seconds"
    parts = []
    for name, unit in _UNITS:
        if length >= unit:
            parts.append(counted(length // unit, name))
            length %= unit
    return " ".join(parts[:2])


def exact(moment: datetime) -> str:
    """To the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 job``, ``12,345 jobs``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _largest(length: timedelta) -> str:
    name, unit = next((name, unit) for name, unit in _UNITS if length >= unit)
    return counted(length // unit, name)
