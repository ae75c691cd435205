"""Ways to make the platform misbehave. Who holds a lock for one lets it reign; it ends with the connection."""

import asyncio
from dataclasses import replace
from enum import StrEnum

from demo.platform.catalogue import JobType, Work
from demo.platform.connection import QUERIES, Conn

_LOOKS_EVERY = 0.5
_SLOWER = 5.0


class Chaos(StrEnum):
    """What can go wrong, as ``python -m demo chaos`` calls it."""

    FAILING_JOB = "failing-job"
    STUCK_WORKER = "stuck-worker"
    DEAD_WORKERS = "dead-workers"
    MISSED_TICK = "missed-tick"
    BACKLOG = "backlog"
    SLOW_JOB = "slow-job"

    @property
    def lock(self) -> int:
        """The number of its advisory lock."""
        return list(Chaos).index(self)


TROUBLED = "files.thumbnail"
"""The job type that fails, or takes long."""
PASSED_OVER = "uptime.probe"
"""The schedule whose ticks are missed."""
STUCK = "worker-1"
"""The machine on which a job doesn't come to its end."""

_reigning: set[Chaos] = set()


def reigns(chaos: Chaos) -> bool:
    """Whether it was there when this process last looked."""
    return chaos in _reigning


async def watch(conn: Conn) -> None:
    """Keep looking, for ever."""
    while True:
        rows = await (await conn.execute(QUERIES["chaos"])).fetchall()
        _reigning.clear()
        _reigning.update(chaos for chaos in Chaos for row in rows if row["lock"] == chaos.lock)
        await asyncio.sleep(_LOOKS_EVERY)


def troubled(job_type: JobType) -> Work:
    """What running a job of *job_type* is like just now."""
    work = job_type.work
    if job_type.name == TROUBLED and reigns(Chaos.FAILING_JOB):
        work = replace(work, failing=1.0)
    if job_type.name == TROUBLED and reigns(Chaos.SLOW_JOB):
        work = replace(work, seconds=_SLOWER * work.seconds)
    return work


async def hold_up(hostname: str) -> None:
    """Return at once, or on the machine that is stuck when it no longer is."""
    while True:
        if not (hostname.startswith(f"{STUCK}.") and reigns(Chaos.STUCK_WORKER)):
            return
        await asyncio.sleep(_LOOKS_EVERY)
