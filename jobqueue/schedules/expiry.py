"""The note that a job is dropped when it waits too long."""

from datetime import timedelta

_UNITS = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}


def described(description: str, expire_after: timedelta | None) -> str:
    """*description* with its expiry note, such as ``Sends due e-mails (dropped after 5 minutes)``."""
    text = description.strip()
    if expire_after is None:
        return text
    note = f"dropped after {duration(expire_after)}"
    return f"{text} ({note})" if text else note.capitalize()


def duration(length: timedelta) -> str:
    """*length* in the largest unit that tells it exactly (``1 hour``, ``90 minutes``), seconds at the finest."""
    for name, unit in _UNITS.items():
        if length >= unit and not length % unit:
            return _counted(length // unit, name)
    seconds = length.total_seconds()
    return _counted(int(seconds) if seconds.is_integer() else seconds, "second")


def _counted(number: float, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
