"""Where everything is asked and ordered: the whole control API but HTTP."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from psycopg import Error

from control_api import audit, locks
from control_api.actions import Action, Limits, Step, plan
from control_api.audit import AuditEntry, Request
from control_api.cleaning import Cleaning, mark_interrupted
from control_api.locks import Lock
from control_api.problems import AlreadyRunning, NotFound, NotPossible, Problem
from control_api.shared import Shared
from control_api.sources import ControlledSource, now
from jobqueue.engine import CannotRun, Conn
from jobqueue.rows import Concerned, ScheduleRow, Worker

log = structlog.get_logger()

ANSWER_WITHIN = 2.0
"""Seconds that ``act`` waits for a clean-up to end, before it answers that it is running."""
MOST_COUNTED = 100_000
"""A step that concerns more rows is only said to concern at least so many: to count millions takes too long."""
_READY_WITHIN = 2.0
_READY_FOR = 1.0


@dataclass(frozen=True, slots=True)
class AskedStep:
    """What one step would do, and whom it concerns: of ``MOST_COUNTED`` rows, if there are more."""

    step: Step
    concerned: Sequence[Concerned]

    @property
    def rows(self) -> int:
        """How many rows it concerns, or at least concerns."""
        return sum(concerned.rows for concerned in self.concerned)

    @property
    def at_least(self) -> bool:
        """Whether there may be more rows than were counted."""
        return self.rows >= MOST_COUNTED


@dataclass(frozen=True, slots=True)
class Asked:
    """What an action would do at the moment ``at``, by the database's clock."""

    source: str
    action: Action
    at: datetime
    steps: Sequence[AskedStep]
    """Empty for a run."""
    schedule: ScheduleRow | None
    """The recurring job that a run would queue."""
    running: AuditEntry | None
    """The newest of these actions, if it is still at work."""
    workers: Sequence[Worker]
    """Who runs what would be failed, by their heartbeats; nobody for the other actions."""

    @property
    def rows(self) -> int:
        """How many rows all steps together concern, or at least concern."""
        return sum(step.rows for step in self.steps)

    @property
    def at_least(self) -> bool:
        """Whether there may be more rows than were counted."""
        return any(step.at_least for step in self.steps)


class Desk:
    """Asks and acts, on behalf of anybody: who may is for others to say."""

    def __init__(self, sources: Iterable[ControlledSource], limits: Limits, batch: int) -> None:
        self.sources: Mapping[str, ControlledSource] = {source.name: source for source in sources}
        self.outcomes: Counter[tuple[str, Action, str]] = Counter()
        """How often each action ended how, by source, since the start."""
        self.removed: Counter[tuple[str, str]] = Counter()
        """How many rows each step of the janitor has changed here since the start, by source; 0 once it has run."""
        self._limits = limits
        self._batch = batch
        self._ready = Shared(self._ask_whether_ready, _READY_FOR)
        self._at_work: dict[tuple[str, int], asyncio.Task[str]] = {}

    async def open(self) -> None:
        """Get ready; a database that can't be reached yet is no reason not to."""
        for source in self.sources.values():
            await source.pool.open(wait=False)

    async def close(self) -> None:
        """Break off clean-ups, whose batch under way is rolled back, and let go of the connections."""
        for task in self._at_work.values():
            task.cancel()
        await asyncio.gather(*self._at_work.values(), return_exceptions=True)
        for source in self.sources.values():
            await source.pool.close()

    async def ask(self, source: str, action: Action, job_type: str | None = None) -> Asked:
        """Say what would happen now; changes nothing. Raises ``NotFound``, ``NotPossible``, ``Unavailable``."""
        queue = self._able(source, action)
        async with queue.reading() as conn:
            at = await now(conn)
            schedule = await self._schedule(queue, conn, job_type) if action is Action.RUN else None
            steps = [
                AskedStep(step, await queue.engine.control.concerned(conn, step.cleanup, step.before, MOST_COUNTED))
                for step in plan(action, at, self._limits, queue.engine.control.cleanups)
            ]
            newest = await audit.entries(conn, source=source, action=action, limit=1)
            workers = await queue.engine.reader.workers(conn) if action is Action.FAIL_ACTIVE else []
        running = newest[0] if newest and newest[0].state == audit.RUNNING else None
        busy = [worker for worker in workers if worker.current_job_type is not None]
        return Asked(source, action, at, steps, schedule, running, busy)

    async def act(self, request: Request) -> AuditEntry:
        """Do it once; a request that was made before is answered with what came of it.

        Raises ``NotFound``, ``NotPossible``, ``RequestIdReused``, ``AlreadyRunning``, ``ReadOnly``, ``Unavailable``.
        """
        queue = self._able(request.source, request.action)
        action_id = await (self._run(queue, request) if request.action is Action.RUN else self._clean(queue, request))
        task = self._at_work.get((queue.name, action_id))
        if task is not None:
            await asyncio.wait([task], timeout=ANSWER_WITHIN)
        return await self.entry(queue.name, action_id)

    async def entry(self, source: str, action_id: int) -> AuditEntry:
        """One entry of the log. Raises ``NotFound``."""
        async with self._source(source).reading() as conn:
            found = await audit.entries(conn, id=action_id, source=source)
        if not found:
            raise NotFound(f"source {source} has no action {action_id} in its log")
        return found[0]

    async def entries(
        self,
        source: str,
        *,
        action: Action | None = None,
        actor: str | None = None,
        before_id: int | None = None,
        limit: int = 50,
    ) -> Sequence[AuditEntry]:
        """A page of one source's log, newest first."""
        async with self._source(source).reading() as conn:
            return await audit.entries(
                conn, source=source, action=action, actor=actor, before_id=before_id, limit=limit
            )

    async def last_done(self, source: str, action: Action) -> datetime | None:
        """When an action was last brought to its end, by whichever process."""
        async with self._source(source).reading() as conn:
            return await audit.last_done(conn, source, action)

    async def schedules(self, source: str) -> Sequence[ScheduleRow]:
        """The recurring jobs that can be run."""
        queue = self._source(source)
        async with queue.reading() as conn:
            return await queue.recurring(conn)

    def actions(self, source: str) -> Sequence[Action]:
        """The actions that the source's engine makes possible."""
        lacks = self._source(source).engine.lacks
        return [action for action in Action if action.capability not in lacks]

    async def ready(self) -> Mapping[str, str | None]:
        """For each source why it can't be acted on; None where it can. Anybody may ask as often as they like."""
        return await self._ready.get()

    async def mark_interrupted(self) -> None:
        """Give an end to what died in the middle, here or in another replica."""
        for source in self.sources.values():
            await mark_interrupted(source, partial(self._interrupted, source.name))

    async def _ask_whether_ready(self) -> Mapping[str, str | None]:
        return dict(zip(self.sources, await asyncio.gather(*map(_unready, self.sources.values())), strict=True))

    def _interrupted(self, source: str, action_id: int, action: Action) -> None:
        log.warning("action.interrupted", source=source, action=action, id=action_id)
        self.outcomes[source, action, audit.INTERRUPTED] += 1

    def _source(self, name: str) -> ControlledSource:
        source = self.sources.get(name)
        if source is None:
            raise NotFound(f"there is no source {name!r}; there are: {', '.join(self.sources)}")
        return source

    def _able(self, name: str, action: Action) -> ControlledSource:
        source = self._source(name)
        reason = source.engine.lacks.get(action.capability)
        if reason is not None:
            raise NotPossible(f"{action.title} isn't possible with {source.engine.name}: {reason}")
        return source

    async def _schedule(self, queue: ControlledSource, conn: Conn, job_type: str | None) -> ScheduleRow:
        for row in await queue.recurring(conn):
            if row.job_type == job_type:
                return row
        raise _not_recurring(job_type)

    async def _run(self, queue: ControlledSource, request: Request) -> int:
        async with queue.connection() as conn, conn.transaction():
            moment = await queue.begin_writing(conn)
            action_id, new = await audit.begin(conn, request, moment)
            if new:
                job_id = await self._queue_one(queue, conn, request.job_type)
                await audit.add_step(conn, action_id, "queued", 1)
                await audit.add_step(conn, action_id, audit.DONE, note=job_id)
        if new:
            self.outcomes[queue.name, request.action, audit.DONE] += 1
        return action_id

    async def _queue_one(self, queue: ControlledSource, conn: Conn, job_type: str | None) -> str:
        try:
            job_id = await queue.engine.control.run_now(conn, job_type or "")
        except CannotRun as refusal:
            raise NotPossible(f"{job_type!r} can't be run now: {refusal}") from None
        if job_id is not None:
            return job_id
        await self._schedule(queue, conn, job_type)
        raise NotPossible(f"{job_type!r} can't be run now: the queue has had no tick of it that could be repeated")

    async def _clean(self, queue: ControlledSource, request: Request) -> int:
        """Begin a clean-up on a connection of its own, which goes on in the background."""
        async with AsyncExitStack() as held:
            conn = await held.enter_async_context(queue.connection())
            alone = request.action is not Action.JANITOR or await locks.take(conn, Lock.JANITOR, queue.name)
            try:
                async with conn.transaction():
                    moment = await queue.begin_writing(conn)
                    action_id, new = await audit.begin(conn, request, min(request.shown_at or moment, moment))
                    if new and not alone:
                        raise AlreadyRunning(queue.name)
                    if new:
                        await locks.take(conn, Lock.ACTION, str(action_id))
            except BaseException:
                await conn.close()  # with its locks
                raise
            if not new:
                if alone and request.action is Action.JANITOR:
                    await locks.let_go(conn, Lock.JANITOR, queue.name)
                return action_id
            before = min(request.shown_at or moment, moment)
            steps = plan(request.action, before, self._limits, queue.engine.control.cleanups)
            cleaning = Cleaning(queue, request.action, action_id, steps, self._batch)
            task = asyncio.create_task(self._work(cleaning, request, conn, held.pop_all(), (queue.name, action_id)))
            self._at_work[queue.name, action_id] = task
            return action_id

    async def _work(
        self, cleaning: Cleaning, request: Request, conn: Conn, held: AsyncExitStack, key: tuple[str, int]
    ) -> str:
        state = audit.INTERRUPTED
        async with held:
            try:
                state = await cleaning.work(conn)
            finally:
                await conn.close()  # with its locks
                del self._at_work[key]
                self.outcomes[request.source, request.action, state] += 1
                if request.action is Action.JANITOR:
                    for step, changed in cleaning.changed.items():
                        self.removed[request.source, step] += changed
        return state


async def _unready(source: ControlledSource) -> str | None:
    try:
        async with asyncio.timeout(_READY_WITHIN), source.reading() as conn:
            await audit.entries(conn, limit=1)
    except Problem as problem:
        return problem.detail
    except TimeoutError:
        return f"no answer within {_READY_WITHIN:g} s"
    except Error as error:
        return " ".join(str(error).split())
    return None


def _not_recurring(job_type: str | None) -> NotFound:
    return NotFound(
        f"{job_type!r} is not a recurring job: only what has a schedule can be run now; "
        "an on-demand job needs parameters that nobody can make up"
    )
