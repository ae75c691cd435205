"""The engines with their real packages and workers, each behind the same few words.

A driver is a client of the engine and a worker at once. What the conformance suite promises of every engine, it shows
through these methods alone; an engine is added to the suite by a driver here, a line in ``KINDS`` of conftest.py and a
fill of a million rows in ``fill.sql``.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from psycopg import AsyncConnection

from jobqueue.config import ConfiguredSchedule
from jobqueue.states import JobState

MAIL, REPORT, NOBODY = "mail", "report", "nobody"
"""Job types: work of any kind, what recurs, and what no worker takes."""

EVERY_MINUTE = "* * * * *"


class Driver(Protocol):
    """One engine over one database."""

    @property
    def engine(self) -> str:
        """Its name in ``jobqueue.engines.ENGINES``."""

    @property
    def configured(self) -> tuple[ConfiguredSchedule, ...]:
        """What an operator writes under ``schedules``, for an engine whose schedules stand in code only."""

    @property
    def words(self) -> Mapping[JobState, str]:
        """The engine's own word for each state that its jobs can be found in; several states may share one."""

    @property
    def fails_into(self) -> JobState:
        """Where an active job stands that was failed by hand, once its worker has heard of it."""

    async def enqueue(
        self,
        job_type: str,
        *,
        seconds: float = 0.0,
        failures: int = 0,
        retries: int = 0,
        pause: float = 0.0,
        delay: float = 0.0,
    ) -> str:
        """Queue a job that takes so many *seconds*, and fails so many times; answers its id.

        It is tried again *retries* times, each after a *pause*, and due after a *delay*.
        """

    def working(self) -> AbstractAsyncContextManager[None]:
        """Have a real worker that takes everything but ``NOBODY``, several jobs at a time."""

    async def schedule(self) -> None:
        """Make ``REPORT`` recur every minute; a worker that starts afterwards sees to its newest tick soon."""

    async def cancel(self, job_id: str, job_type: str) -> None:
        """Cancel a waiting job, as the engine does it."""

    async def finish(self, conn: AsyncConnection, job_id: str) -> None:
        """Complete an active job inside the caller's transaction, as the engine's worker does it."""

    async def counts(self) -> Counter[tuple[str, str]]:
        """How many jobs the engine itself says there are, by job type and its own word for the state."""


OpenDriver = Callable[[str], AbstractAsyncContextManager[Driver]]
"""Makes a driver over the database at an address, in which the engine is installed."""
