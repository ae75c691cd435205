"""How long a soak takes, what is at work, and what the monkey may do."""

from dataclasses import dataclass

FAIR = (
    "restart",
    "kill",
    "pause",
    "cut",
    "failover-queues",
    "failover-store",
    "disk",
    "retry",
    "prune",
    "late",
    "clock",
)
"""What the figures have to live through, as they are promised today."""

UNFAIR = ("retry-at-once", "too-late", "far-clock")
"""Ends that the figures may miss: of a job that was retried before any exporter had read it, and of rows that come
later than ``settle`` in a minute out of which others were retried.
"""

KINDS = (*FAIR, *UNFAIR)


@dataclass(frozen=True, slots=True)
class Plan:
    """One soak; times are seconds but for its length."""

    seed: int
    minutes: float = 10.0
    kinds: tuple[str, ...] = FAIR
    flood: int = 500
    """Jobs of the flood that finish each second."""
    busy: float = 4.0
    """Jobs that each engine gets each second."""
    least_pause: float = 2.0
    most_pause: float = 7.0
    """Between two acts of the monkey."""
    poll_interval: float = 2.0
    scrape_every: float = 2.0
    """Of Prometheus; the exporters are told of thrice that, so that no new counter goes unseen."""
    settle: float = 30.0
    retention: float = 240.0
    """How long finished rows are kept, where the engine's own retention is longer than a soak."""

    @property
    def latest(self) -> float:
        """How late a row may come, or how far a clock may be wrong, by what is promised."""
        return self.settle / 2
