"""What a platform on another engine does: job types with their durations and failures, how often users want them."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypedDict


class Told(TypedDict):
    """A job's payload: how many seconds each attempt takes, and how many attempts fail."""

    seconds: float
    failures: int


@dataclass(frozen=True, slots=True)
class Kind:
    """A job type. *failing* is the part of its attempts that fail, *every* the seconds between two clicks."""

    name: str
    seconds: float
    failing: float
    every: float
    retries: int = 2
    delay: float = 0.0

    def told(self) -> Told:
        """Make up one job."""
        failures = 0
        while failures <= self.retries and random.random() < self.failing:
            failures += 1
        return {"seconds": round(random.lognormvariate(math.log(self.seconds), 0.6), 3), "failures": failures}


CLICKED = (
    Kind("email.send", seconds=0.3, failing=0.03, every=1.0),
    Kind("image.resize", seconds=1.2, failing=0.0, every=4.0),
    Kind("webhook.deliver", seconds=0.5, failing=0.35, every=3.0),
    Kind("report.build", seconds=8.0, failing=0.15, every=30.0, retries=0),
    Kind("trial.remind", seconds=0.4, failing=0.02, every=20.0, delay=3600.0),
)
RECURRING = (
    ("sessions.cleanup", "* * * * *", "Forgets sessions that have ended"),
    ("search.reindex", "*/5 * * * *", "Brings the search index up to date"),
    ("digest.send", "0 6 * * *", "Sends the daily digest"),
)
"""Job type, expression, description."""

BACKLOG = 150
WORKERS = 2
CONCURRENCY = 3
RETRY_SECONDS = 5

Enqueue = Callable[[Kind], Awaitable[object]]


async def keep_clicking(enqueue: Enqueue) -> None:
    """Queue a backlog, then what users want, for ever."""
    for _ in range(BACKLOG):
        await enqueue(CLICKED[0])
    async with asyncio.TaskGroup() as clicks:
        for kind in CLICKED:
            clicks.create_task(_click(kind, enqueue))


async def _click(kind: Kind, enqueue: Enqueue) -> None:
    while True:
        await enqueue(kind)
        await asyncio.sleep(random.expovariate(1 / kind.every))
