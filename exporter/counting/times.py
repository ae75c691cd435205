"""Minutes and slots as numbers since the epoch."""

from datetime import UTC, datetime
from typing import Final

MINUTE: Final = 60
SLOT_SECONDS: Final = 5
"""Finish times are compared in slots as long as that: a poll reads again only those in which something has changed."""


def moment(number: int, seconds: int = MINUTE) -> datetime:
    """When a minute, or a slot of so many *seconds*, begins."""
    return datetime.fromtimestamp(number * seconds, UTC)


def minute_of(at: datetime) -> int:
    """The minute since the epoch that a moment lies in."""
    return int(at.timestamp() // MINUTE)


def minute_of_slot(slot: int) -> int:
    """The minute that a slot lies in."""
    return slot * SLOT_SECONDS // MINUTE


def first_slot_of(minute: int) -> int:
    """The slot with which a minute begins."""
    return minute * MINUTE // SLOT_SECONDS
