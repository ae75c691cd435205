"""Clean-ups as they are begun, one of a kind at a time for each source, and kept until they end."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from control_api import audit
from control_api.actions import Action, plan, step_names
from control_api.audit import Request
from control_api.cleaning import Cleaning
from control_api.leases import LENGTH, Lease
from control_api.problems import AlreadyRunning
from control_api.sources import ControlledSource
from control_api.tally import Tally
from jobqueue.config import Janitor
from jobqueue.engine import Conn


class CleanUps:
    """Each has a connection of its own for as long as it lives, so those that are lent stay free for who asks."""

    def __init__(
        self,
        sources: Iterable[ControlledSource],
        limits: Janitor,
        batch: int,
        tally: Tally,
        lease: timedelta = LENGTH,
    ) -> None:
        self._limits = limits
        self._lease = lease
        self._batch = batch
        self._tally = tally
        self._beginning: defaultdict[tuple[str, Action], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: dict[tuple[str, int], asyncio.Task[None]] = {}
        for source in sources:
            if Action.JANITOR.capability not in source.engine.lacks:
                for step in step_names(Action.JANITOR, source.engine.control.cleanups):
                    tally.removed[source.name, step] = 0

    async def begin(self, queue: ControlledSource, request: Request) -> tuple[int, bool]:
        """Begin one, which goes on in the background; answers its id, and whether the request is new.

        Raises ``AlreadyRunning``, ``RequestIdReused``, ``ReadOnly``, ``Unavailable``.
        """
        kind = queue.name, request.action
        # One at a time is begun: however many are ordered, there is one connection of a kind besides the one at work.
        async with self._beginning[kind], AsyncExitStack() as held:
            conn = await held.enter_async_context(queue.own_connection())
            lease, before, new = await self._enter(queue, conn, request)
            action_id = lease.action_id
            if new:
                steps = plan(request.action, before, self._limits, queue.engine.control.cleanups)
                zeros = request.actor != audit.BY_ITSELF
                cleaning = Cleaning(queue, lease, steps, self._batch, zeros=zeros)
                self._tally.running[kind] += 1
                work = self._work(cleaning, request, conn, held.pop_all(), (queue.name, action_id))
                self._tasks[queue.name, action_id] = asyncio.create_task(work)
            return action_id, new

    async def wait(self, source: str, action_id: int, seconds: float) -> None:
        """Wait so long for one to end, if it is at work here."""
        task = self._tasks.get((source, action_id))
        if task is not None:
            await asyncio.wait([task], timeout=seconds)

    async def close(self) -> None:
        """Break all off: the batch under way is rolled back."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _enter(self, queue: ControlledSource, conn: Conn, request: Request) -> tuple[Lease, datetime, bool]:
        """Write the row and take the lease; answers what is meant by it, and whether the request is new."""
        async with conn.transaction():
            moment = await queue.begin_writing(conn)
            before = min(request.shown_at or moment, moment)
            # First the row: whoever brings the same request at the same time waits for it, and for no lease.
            action_id, new = await audit.begin(conn, request, before)
            lease = Lease(queue.name, request.action, action_id, self._lease)
            if new and not (await lease.take(conn) and await _is_next(conn, request, action_id)):
                raise AlreadyRunning(queue.name, request.action.title)
        return lease, before, new

    async def _work(
        self, cleaning: Cleaning, request: Request, conn: Conn, held: AsyncExitStack, key: tuple[str, int]
    ) -> None:
        async with held:
            try:
                await cleaning.work(conn)
            finally:
                await conn.close()
                del self._tasks[key]
                self._tally.running[request.source, request.action] -= 1
                if cleaning.ended is not None:
                    self._tally.outcomes[request.source, request.action, cleaning.ended] += 1
                if request.action is Action.JANITOR:
                    for step, changed in cleaning.changed.items():
                        self._tally.removed[request.source, step] += changed


async def _is_next(conn: Conn, request: Request, action_id: int) -> bool:
    """Whether no other replica was faster with the janitor's round: it may have ended before the lease was taken."""
    if request.actor != audit.BY_ITSELF:
        return True
    return await audit.last_begun(conn, request.source, request.action, but_id=action_id) == request.follows
