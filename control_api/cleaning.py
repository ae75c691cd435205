"""A clean-up at work: batch after batch, each with its row in the log."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

import structlog
from psycopg import Error
from psycopg.errors import LockNotAvailable

from control_api import audit
from control_api.actions import Action, Step
from control_api.errors import told
from control_api.leases import Lease, LeaseLost
from control_api.problems import Problem
from control_api.sources import ControlledSource, times_cancelled
from jobqueue.engine import Conn

log = structlog.get_logger()

_LONGEST_PAUSE = 1.0


class Cleaning:
    """One clean-up of one source. It lives as long as its lease, which each batch renews.

    With *zeros* the log has a row also for a step that found nothing to do.
    """

    def __init__(
        self, source: ControlledSource, lease: Lease, steps: Sequence[Step], batch: int, *, zeros: bool
    ) -> None:
        self._source = source
        self._lease = lease
        self._id = lease.action_id
        self._steps = steps
        self._batch = batch
        self._zeros = zeros
        self.changed = dict.fromkeys((step.name for step in steps), 0)
        """How many rows each step has changed so far."""
        self.ended: str | None = None
        """How it ended, once the log has it."""

    async def work(self, conn: Conn) -> None:
        """Do all steps; one that fails keeps none of the others from being done. What was done stays done."""
        failed: list[str] = []
        try:
            for step in self._steps:
                try:
                    await self._do(conn, step)
                except Error as error:
                    failed.append(f"{step.name}: {told(error)}")
                    self._say(failed[-1])
                    if conn.closed:
                        break
            if failed:
                await self._end_elsewhere(audit.FAILED, "; ".join(failed))
            else:
                await self._end(conn, audit.DONE)
        except asyncio.CancelledError:
            await self._end_elsewhere(audit.INTERRUPTED, "the control API was stopped")
            raise
        except LeaseLost as lost:
            self._say(str(lost))
            await self._end_elsewhere(audit.INTERRUPTED, str(lost))
        except (Error, Problem) as error:
            self._say(told(error))
            await self._end_elsewhere(audit.FAILED, "; ".join((*failed, told(error))))

    async def _do(self, conn: Conn, step: Step) -> None:
        cancelled, first = times_cancelled(), True
        while True:
            began = monotonic()
            async with conn.transaction():
                await self._source.begin_writing(conn)
                await self._lease.renew(conn)
                changed = await self._source.engine.control.clean(
                    conn, step.cleanup, step.before, self._batch, step.reason
                )
                if changed or (first and self._zeros):
                    await audit.add_step(conn, self._id, step.name, changed)
            first = False
            self.changed[step.name] += changed
            if changed < self._batch:
                return
            # As long a pause as the batch took: the workers' statements have the database half of the time.
            await asyncio.sleep(min(monotonic() - began, _LONGEST_PAUSE))
            if times_cancelled() > cancelled:  # which Python 3.11 may have lost within a statement
                raise asyncio.CancelledError

    async def _end(self, conn: Conn, state: str, note: str | None = None) -> None:
        """Whoever sees the end can begin the next one."""
        async with conn.transaction():
            await self._source.begin_logging(conn)
            await self._lease.give_up(conn)
            ended, new = await audit.end(conn, self._id, state, note)
        # What was found interrupted is counted by whoever found it.
        self.ended = ended if new or ended != audit.INTERRUPTED else None

    async def _end_elsewhere(self, state: str, note: str) -> None:
        """The connection may be what failed; what can't be written is found by ``mark_interrupted`` later."""
        with suppress(Error, Problem):
            async with self._source.own_connection() as conn:
                await self._end(conn, state, note)

    def _say(self, error: str) -> None:
        log.warning("cleaning.failed", source=self._source.name, action=self._lease.action, id=self._id, error=error)


async def mark_interrupted(source: ControlledSource, tell: Callable[[int, Action | str], None], *, ever: bool) -> None:
    """Give an end to actions whose process died or froze in the middle: their lease has run out."""
    async with source.reading() as conn:
        found = await audit.unfinished(conn, source.name, ever=ever)
    async with source.connection() as conn:
        for action_id, action in found:
            if await _mark_interrupted(source, conn, Lease(source.name, action, action_id)):
                tell(action_id, action)


async def _mark_interrupted(source: ControlledSource, conn: Conn, lease: Lease) -> bool:
    try:
        async with conn.transaction():
            await source.begin_logging(conn)
            if not await lease.clear(conn):
                return False
            # It may have ended meanwhile.
            _, new = await audit.end(conn, lease.action_id, audit.INTERRUPTED, "the process ended in the middle")
            return new
    except LockNotAvailable:  # a batch is under way
        return False
    except Error as error:  # one action that can't be ended keeps none of the others from it
        if conn.closed:
            raise
        log.warning("action.unended", source=source.name, id=lease.action_id, error=told(error))
        return False
