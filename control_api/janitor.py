"""The janitor by itself: every so often, once among all replicas."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from uuid import uuid4

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

    Its request names the round that it follows: of several replicas one runs it, and the others find that it has begun.
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
            last = await audit.last_begun(conn, self._source, Action.JANITOR)
            now = await clock(conn)
        if last is None and monotonic() < self._first_at:
            return
        if last is not None and now - last < self._every:
            return
        # An id that nobody can have used for something else.
        await self._desk.act(Request(self._source, Action.JANITOR, audit.BY_ITSELF, str(uuid4()), follows=last))
