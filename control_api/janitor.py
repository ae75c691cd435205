"""The janitor by itself: every so often, once among all replicas."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic

import structlog
from psycopg import Error

from control_api import audit
from control_api.actions import Action
from control_api.audit import Request
from control_api.desk import Desk
from control_api.errors import told
from control_api.problems import AlreadyRunning, Problem
from control_api.settings import ControlSettings, janitor_every
from control_api.sources import ControlledSource, clock

log = structlog.get_logger()

_LOOKS_EVERY = 15.0
FIRST_AFTER = timedelta(minutes=5)
"""Where it never ran: an exporter that is new, too, reads the past before the janitor deletes it."""


def rhythms(sources: Mapping[str, ControlledSource], settings: ControlSettings) -> Mapping[str, timedelta]:
    """How often the janitor runs by itself, for each source where it does."""
    if settings.read_only:
        return {}
    every = {
        name: janitor_every(settings.janitor, by_itself=source.engine.janitor_by_itself)
        for name, source in sources.items()
        if Action.JANITOR.capability not in source.engine.lacks
    }
    return {name: rhythm for name, rhythm in every.items() if rhythm is not None}


class Rounds:
    """Runs one source's janitor when, by the database's clock, it last began so long ago; by whomever and wherever.

    What it comes after is its request id: of several replicas one runs it, and the others get its answer.
    """

    def __init__(self, desk: Desk, source: str, every: timedelta, first_after: timedelta = FIRST_AFTER) -> None:
        self._desk = desk
        self._source = source
        self._every = every
        self._first_at = monotonic() + first_after.total_seconds()

    async def run(self) -> None:
        """Look at the log until cancelled."""
        while True:
            try:
                await self.look()
            except AlreadyRunning:
                log.info("janitor.passed_over", source=self._source)
            except (Problem, Error) as error:
                log.warning("janitor.failed", source=self._source, error=told(error))
            await asyncio.sleep(_LOOKS_EVERY)

    async def look(self) -> None:
        """Run the janitor if it is due. Raises what ``Desk.act`` raises."""
        async with self._desk.sources[self._source].reading() as conn:
            runs = await audit.entries(conn, source=self._source, action=Action.JANITOR, limit=1)
            ago = await clock(conn) - runs[0].at if runs else None
        if ago is None and monotonic() < self._first_at:
            return
        if ago is not None and timedelta() <= ago < self._every:  # one from the future: the clock was set back
            return
        request_id = f"{self._source}: after {runs[0].id if runs else 'none'}"
        await self._desk.act(Request(self._source, Action.JANITOR, audit.BY_ITSELF, request_id))
