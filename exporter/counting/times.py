"""Minutes and slots as numbers since the epoch."""

from datetime import UTC, datetime

MINUTE = 60


def moment(number: int, seconds: int = MINUTE) -> datetime:
    """When a minute, or a slot of so many *seconds*, begins."""
    return datetime.fromtimestamp(number * seconds, UTC)


def minute_of(at: datetime) -> int:
    """The minute since the epoch that a moment lies in."""
    return int(at.timestamp() // MINUTE)
