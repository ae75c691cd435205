"""Clean-ups at work: batch after batch in the background, each with its row in the log."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

import structlog
from psycopg import Error

from control_api import audit, locks
from control_api.actions import Action, Step
from control_api.locks import Lock
from control_api.problems import Problem
from control_api.sources import ControlledSource
from jobqueue.engine import Conn

log = structlog.get_logger()

_LONGEST_PAUSE = 1.0


class Cleaning:
    """One clean-up of one source. It lives on the connection that holds its locks."""

    def __init__(
        self, source: ControlledSource, action: Action, action_id: int, steps: Sequence[Step], batch: int
    ) -> None:
        self._source = source
        self._action = action
        self._id = action_id
        self._steps = steps
        self._batch = batch
        self.changed = dict.fromkeys((step.name for step in steps), 0)
        """How many rows each step has changed so far."""

    async def work(self, conn: Conn) -> str:
        """Do all steps; answers how it ended. What was done before a failure stays done, and is in the log."""
        try:
            for step in self._steps:
                await self._do(conn, step)
            await self._end(conn, audit.DONE)
        except asyncio.CancelledError:
            await self._end_elsewhere(audit.INTERRUPTED, "the control API was stopped")
            raise
        except (Error, Problem) as error:
            log.warning("cleaning.failed", source=self._source.name, action=self._action, id=self._id, error=str(error))
            await self._end_elsewhere(audit.FAILED, " ".join(str(error).split()))
            return audit.FAILED
        return audit.DONE

    async def _do(self, conn: Conn, step: Step) -> None:
        first = True
        while True:
            began = monotonic()
            async with conn.transaction():
                await self._source.begin_writing(conn)
                changed = await self._source.engine.control.clean(
                    conn, step.cleanup, step.before, self._batch, step.reason
                )
                if changed or first:
                    await audit.add_step(conn, self._id, step.name, changed)
            first = False
            self.changed[step.name] += changed
            if changed < self._batch:
                return
            # As long a pause as the batch took: the workers' statements have the database half of the time.
            await asyncio.sleep(min(monotonic() - began, _LONGEST_PAUSE))

    async def _end(self, conn: Conn, state: str, note: str | None = None) -> None:
        async with conn.transaction():
            await audit.add_step(conn, self._id, state, note=note)

    async def _end_elsewhere(self, state: str, note: str) -> None:
        """The connection may be what failed; what can't be written is found by ``mark_interrupted`` later."""
        with suppress(Error, Problem):
            async with self._source.connection() as conn:
                await self._end(conn, state, note)


async def mark_interrupted(source: ControlledSource, tell: Callable[[int, Action], None]) -> None:
    """Give an end to actions whose process died in the middle: nobody holds their lock."""
    async with source.connection() as conn:
        for action_id, action in await audit.unfinished(conn, source.name):
            async with conn.transaction():
                free = await locks.is_free(conn, Lock.ACTION, str(action_id))
                # It may have ended meanwhile.
                if free and (action_id, action) in await audit.unfinished(conn, source.name):
                    await audit.add_step(conn, action_id, audit.INTERRUPTED, note="the process ended in the middle")
                    tell(action_id, action)
