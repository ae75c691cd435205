"""Where everything is asked and ordered: the whole control API but HTTP."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from psycopg import Error

from control_api import audit
from control_api.actions import Action, Step, plan, what_it_does
from control_api.asked import Asked, AskedStep
from control_api.audit import AuditEntry, Request
from control_api.cleaning import mark_interrupted
from control_api.cleanups import CleanUps
from control_api.errors import told
from control_api.leases import LENGTH
from control_api.problems import NotFound, NotPossible, Problem
from control_api.shared import Shared
from control_api.sources import ControlledSource, now
from control_api.tally import Tally
from jobqueue.bounds import SHOWN
from jobqueue.config import Janitor
from jobqueue.engine import CannotRun, Conn
from jobqueue.rows import Listed, ScheduleRow, Worker

log = structlog.get_logger()

ANSWER_WITHIN = 2.0
"""Seconds that ``act`` waits for a clean-up to end, before it answers that it is running."""
MOST_COUNTED = 100_000
"""A step that concerns more rows is only said to concern at least so many: to count millions takes too long."""
_READY_WITHIN = 2.0
_READY_FOR = 1.0


class Desk:
    """Asks and acts, on behalf of anybody: who may is for others to say."""

    def __init__(
        self, sources: Iterable[ControlledSource], limits: Janitor, batch: int, lease: timedelta = LENGTH
    ) -> None:
        self.sources: Mapping[str, ControlledSource] = {source.name: source for source in sources}
        self.tally = Tally()
        self._limits = limits
        self._cleanups = CleanUps(self.sources.values(), limits, batch, self.tally, lease)
        self._ready = Shared(self._ask_whether_ready, _READY_FOR)
        self._looked_through: set[str] = set()

    async def open(self) -> None:
        """Get ready; a database that can't be reached yet is no reason not to."""
        for source in self.sources.values():
            await source.pool.open(wait=False)

    async def close(self) -> None:
        """Break off clean-ups, whose batch under way is rolled back, and let go of the connections."""
        await self._cleanups.close()
        for source in self.sources.values():
            await source.pool.close()

    async def ask(self, source: str, action: Action, job_type: str | None = None) -> Asked:
        """Say what would happen now; changes nothing. Raises ``NotFound``, ``NotPossible``, ``Unavailable``."""
        queue = self._able(source, action)
        async with queue.reading() as conn:
            at = await now(conn)
            schedule = await self._schedule(queue, conn, job_type) if action is Action.RUN else None
            kept_by = await _kept_by(queue, conn)
            steps = [
                await _asked_step(queue, conn, step)
                for step in plan(action, at, self._limits, queue.engine.control.cleanups)
            ]
            newest = await audit.entries(conn, source=source, action=action, limit=1)
            workers: Listed[Worker] = Listed()
            if action is Action.FAIL_ACTIVE:
                workers = await _at_active(queue, conn)
        running = newest[0] if newest and newest[0].state == audit.RUNNING else None
        return Asked(source, action, self.what_it_does(source, action), at, steps, schedule, running, workers, kept_by)

    async def act(self, request: Request) -> AuditEntry:
        """Do it once; a request that was made before is answered with what came of it.

        Raises ``NotFound``, ``NotPossible``, ``RequestIdReused``, ``AlreadyRunning``, ``ReadOnly``, ``Unavailable``.
        """
        queue = self._able(request.source, request.action)
        begin = self._run if request.action is Action.RUN else self._cleanups.begin
        action_id, new = await begin(queue, request)
        await self._cleanups.wait(queue.name, action_id, ANSWER_WITHIN)
        return replace(await self.entry(queue.name, action_id), replayed=not new)

    async def entry(self, source: str, action_id: int) -> AuditEntry:
        """One entry of the log. Raises ``NotFound``."""
        async with self._source(source).reading() as conn:
            found = await audit.entries(conn, ids=[action_id], source=source)
        if not found:
            raise NotFound(f"source {source} has no action {action_id} in its log")
        return found[0]

    async def entries(
        self,
        source: str,
        *,
        action: Action | None = None,
        actor: str | None = None,
        but: str | None = None,
        before_id: int | None = None,
        limit: int = 50,
    ) -> Sequence[AuditEntry]:
        """A page of one source's log, newest first, without what the actor *but* did."""
        async with self._source(source).reading() as conn:
            return await audit.entries(
                conn, source=source, action=action, actor=actor, but=but, before_id=before_id, limit=limit
            )

    async def at_work(self, source: str) -> Sequence[AuditEntry]:
        """What is at work on one source, newest first, by whichever process."""
        async with self._source(source).reading() as conn:
            ids = [action_id for action_id, _ in await audit.unfinished(conn, source)]
            return await audit.entries(conn, ids=ids, source=source)

    async def last_done(self, source: str, action: Action) -> datetime | None:
        """When an action was last brought to its end, by whichever process."""
        async with self._source(source).reading() as conn:
            return await audit.last_done(conn, source, action)

    async def schedules(self, source: str) -> Listed[ScheduleRow]:
        """The recurring jobs that can be run, by name."""
        queue = self._source(source)
        async with queue.reading() as conn:
            found = await queue.recurring(conn)
        rows = sorted(found.rows, key=lambda row: row.job_type)
        return Listed(rows[:SHOWN], found.more + len(rows[SHOWN:]))

    def actions(self, source: str) -> Sequence[Action]:
        """The actions that the source's engine makes possible."""
        lacks = self._source(source).engine.lacks
        return [action for action in Action if action.capability not in lacks]

    def what_it_does(self, source: str, action: Action) -> str:
        """What an action does to a source, by our limits and as its engine tolerates it."""
        return what_it_does(action, self._limits, self._source(source).engine.control.cleanups)

    async def ready(self) -> Mapping[str, str | None]:
        """For each source why it can't be acted on; None where it can. Anybody may ask as often as they like."""
        return await self._ready.get()

    async def mark_interrupted(self) -> None:
        """Give an end to what died in the middle, here or in another replica."""
        await asyncio.gather(*(self._mark_interrupted(source) for source in self.sources.values()))

    async def _mark_interrupted(self, source: ControlledSource) -> None:
        """Look through the whole log once, and from then on at the last days."""
        if source.read_only:
            return
        ever = source.name not in self._looked_through
        with suppress(Problem, Error):  # a database that is away says so in /readyz
            await mark_interrupted(source, partial(self._interrupted, source.name), ever=ever)
            self._looked_through.add(source.name)

    async def _ask_whether_ready(self) -> Mapping[str, str | None]:
        reasons = dict(zip(self.sources, await asyncio.gather(*map(_unready, self.sources.values())), strict=True))
        for name, reason in reasons.items():
            if reason is not None:
                log.warning("source.unready", source=name, reason=reason)
        return reasons

    def _interrupted(self, source: str, action_id: int, action: Action | str) -> None:
        log.warning("action.interrupted", source=source, action=action, id=action_id)
        if isinstance(action, Action):
            self.tally.outcomes[source, action, audit.INTERRUPTED] += 1

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
        row = await queue.recurring_one(conn, job_type or "")
        if row is None:
            raise _not_recurring(job_type)
        return row

    async def _run(self, queue: ControlledSource, request: Request) -> tuple[int, bool]:
        self.tally.running[queue.name, request.action] += 1
        try:
            async with queue.connection() as conn, conn.transaction():
                moment = await queue.begin_writing(conn)
                action_id, new = await audit.begin(conn, request, moment)
                if new:
                    job_id = await self._queue_one(queue, conn, request.job_type)
                    await audit.add_step(conn, action_id, "queued", 1)
                    await audit.end(conn, action_id, audit.DONE, job_id)
        finally:
            self.tally.running[queue.name, request.action] -= 1
        if new:
            self.tally.outcomes[queue.name, request.action, audit.DONE] += 1
        return action_id, new

    async def _queue_one(self, queue: ControlledSource, conn: Conn, job_type: str | None) -> str:
        try:
            job_id = await queue.engine.control.run_now(conn, job_type or "")
        except CannotRun as refusal:
            raise NotPossible(f"{job_type!r} can't be run now: {refusal}") from None
        if job_id is not None:
            return job_id
        await self._schedule(queue, conn, job_type)
        raise NotPossible(f"{job_type!r} can't be run now: the queue has had no tick of it that could be repeated")


async def _unready(source: ControlledSource) -> str | None:
    try:
        async with asyncio.timeout(_READY_WITHIN), source.reading() as conn:
            await audit.check_readable(conn)
            return await source.name_taken(conn)
    except Problem as problem:
        return problem.detail
    except TimeoutError:
        return f"no answer within {_READY_WITHIN:g} s"
    except Error as error:
        return told(error)
    return None


async def _kept_by(queue: ControlledSource, conn: Conn) -> str | None:
    if queue.read_only:
        return f"source {queue.name} is read-only by configuration"
    if await queue.changes_nothing(conn):
        return f"the database of source {queue.name} is a standby"
    return await queue.refusal(conn)


async def _asked_step(queue: ControlledSource, conn: Conn, step: Step) -> AskedStep:
    concerned = await queue.engine.control.concerned(conn, step.cleanup, step.before, MOST_COUNTED)
    return AskedStep(step, concerned, at_least=sum(row.rows for row in concerned) >= MOST_COUNTED)


async def _at_active(queue: ControlledSource, conn: Conn) -> Listed[Worker]:
    """The workers with an active job; ``more`` has those beyond the list's bound, with or without one."""
    workers = await queue.engine.reader.workers(conn)
    names = await queue.engine.control.at_active(conn, MOST_COUNTED)
    busy = [
        worker
        for worker in workers.rows
        if worker.current_job_type is not None and (names is None or worker.worker in names)
    ]
    return Listed(busy[:SHOWN], workers.more + len(busy[SHOWN:]))


def _not_recurring(job_type: str | None) -> NotFound:
    return NotFound(
        f"{job_type!r} is not a recurring job: only what has a schedule can be run now; "
        "an on-demand job needs parameters that nobody can make up"
    )
