"""The janitor by itself: every so often, once among all replicas."""

import asyncio
from datetime import timedelta

import structlog
from psycopg import Error

from control_api.actions import Action
from control_api.audit import Request
from control_api.desk import Desk
from control_api.problems import AlreadyRunning, Problem
from control_api.sources import now

log = structlog.get_logger()

ACTOR = "system:janitor"
_LOOKS_EVERY = 15.0


class Rounds:
    """Cuts the database's time into rounds and runs one source's janitor once in each.

    A round's number is the request id: of several replicas one runs it, and the others get its answer.
    """

    def __init__(self, desk: Desk, source: str, every: timedelta) -> None:
        self._desk = desk
        self._source = source
        self._every = every
        self._newest: int | None = None

    async def run(self) -> None:
        """Look at the clock until cancelled; the round in which it began is somebody else's."""
        while True:
            try:
                await self.look()
            except AlreadyRunning:
                log.info("janitor.passed_over", source=self._source)
            except (Problem, Error) as error:
                log.warning("janitor.failed", source=self._source, error=" ".join(str(error).split()))
            await asyncio.sleep(_LOOKS_EVERY)

    async def look(self) -> None:
        """Run the janitor if a new round has begun. Raises what ``Desk.act`` raises."""
        async with self._desk.sources[self._source].reading() as conn:
            number = int((await now(conn)).timestamp() // self._every.total_seconds())
        if self._newest is not None and number > self._newest:
            request_id = f"every {self._every.total_seconds():g} s, round {number}"
            await self._desk.act(Request(self._source, Action.JANITOR, ACTOR, f"{self._source}: {request_id}"))
        self._newest = number
