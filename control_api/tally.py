"""What this process has done since its start, and is doing."""

from collections import Counter
from dataclasses import dataclass, field

from control_api.actions import Action


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by source."""

    outcomes: Counter[tuple[str, Action, str]] = field(default_factory=Counter)
    """How often each action ended how."""
    running: Counter[tuple[str, Action]] = field(default_factory=Counter)
    """How many of each action are at work."""
    removed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many rows each step of the janitor has changed."""
