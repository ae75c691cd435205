"""How much is measured, and for how long."""

from dataclasses import dataclass

PARTS = ("scrape", "counting", "rate")


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the benchmark; times are seconds."""

    rows: tuple[int, ...] = (1_000_000, 10_000_000)
    """Sizes of the table, rising."""
    job_types: int = 50
    rounds: int = 8
    """How often each collector is asked in turn, once warm; so much apart that a real poll's rows have come."""
    between_rounds: float = 15.0
    poll_interval: float = 15.0
    warmed: float = 45.0
    """How long the real exporter runs first: after three polls a collector knows its interval."""
    watched: float = 180.0
    """How long it is watched then."""
    custom_scrapes: int = 5
    finishing: int = 1000
    """Jobs that finish each second in part rate."""
    finishing_for: float = 120.0
    scraped_job_types: int = 200
    scraped_rows: int = 40_000
    workers: int = 100
    scrapes: int = 50
    scraped_every: float = 0.2


SMALL = Plan(
    rows=(2_000, 4_000),
    rounds=3,
    between_rounds=0.1,
    poll_interval=1.0,
    warmed=0.0,
    watched=1.0,
    custom_scrapes=2,
    finishing_for=2.0,
    scraped_rows=4_000,
    scrapes=5,
    scraped_every=0.1,
)
"""Shows within seconds that every part runs; its figures say nothing."""
