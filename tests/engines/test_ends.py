"""Every way for a job to end that no worker reports: it is one run at the most, and stands in one state, or is gone."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pgqueuer import PsycopgDriver, Queries
from pgqueuer.models import Job
from pgqueuer.ports.repository import EntrypointExecutionParameter
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from psycopg import AsyncConnection

from demo.engines.pgboss.boss import boss
from demo.engines.procrastinate.app import app
from demo.engines.program import Program
from jobqueue import catalogue as metrics
from jobqueue.config import Source
from jobqueue.engine import Capability
from jobqueue.engines import open_engine
from jobqueue.states import JobState
from tests.engines.drivers import MAIL, NOBODY, Driver
from tests.engines.test_conformance import shown
from tests.exporter.scrape import Scrape, Watch

PENDING, ACTIVE, RETRY = JobState.PENDING, JobState.ACTIVE, JobState.RETRY
COMPLETED, FAILED, CANCELLED = JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED


@dataclass(frozen=True, slots=True)
class Scene:
    """A queue with one waiting job of type ``MAIL``."""

    address: str
    admin: AsyncConnection
    job_id: str

    async def do(self, *statements: str) -> None:
        """Run statements in which ``%(id)s`` is the job."""
        for statement in statements:
            await self.admin.execute(statement.encode(), {"id": self.job_id})


Going = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to end."""

    kind: str
    go: Going
    jobs: Mapping[JobState, int]
    """The jobs that there are in the end; none that is deleted."""
    ends: Counter[JobState]
    """The runs that have ended, and the jobs that were cancelled."""


WAYS: dict[str, Way] = {}


def way(kind: str, jobs: Mapping[JobState, int], *ends: JobState) -> Callable[[Going], Going]:
    def register(go: Going) -> Going:
        WAYS[f"{kind}: {go.__name__.replace('_', ' ')}"] = Way(kind, go, jobs, Counter(ends))
        return go

    return register


def in_sql(kind: str, name: str, jobs: Mapping[JobState, int], ends: tuple[JobState, ...], *statements: str) -> None:
    async def go(scene: Scene) -> None:
        await scene.do(*statements)

    WAYS[f"{kind}: {name}"] = Way(kind, go, jobs, Counter(ends))


@asynccontextmanager
async def pgboss(scene: Scene) -> AsyncIterator[Program]:
    async with boss(scene.address, {"supervise": False, "schedule": False}) as client:
        yield client


LONG_STARTED = "UPDATE pgboss.job SET started_on = now() - interval '1 day', heartbeat_on = now() - interval '1 day'"


@way("pgboss", {FAILED: 1}, FAILED)
async def it_expires_at_work(scene: Scene) -> None:
    async with pgboss(scene) as client:
        await client.call("fetch", MAIL)
        await scene.do(LONG_STARTED)
        await client.call("supervise", MAIL)


@way("pgboss", {RETRY: 1})
async def it_expires_with_an_attempt_left(scene: Scene) -> None:
    async with pgboss(scene) as client:
        await scene.do("UPDATE pgboss.job SET retry_limit = 1")
        await client.call("fetch", MAIL)
        await scene.do(LONG_STARTED)
        await client.call("supervise", MAIL)


@way("pgboss", {FAILED: 1}, FAILED)
async def its_heartbeat_stops(scene: Scene) -> None:
    async with pgboss(scene) as client:
        await scene.do("UPDATE pgboss.job SET heartbeat_seconds = 10, expire_seconds = 1000000")
        await client.call("fetch", MAIL)
        await scene.do(LONG_STARTED)
        await client.call("supervise", MAIL)


@way("pgboss", {FAILED: 1, PENDING: 1}, FAILED)
async def it_expires_and_is_copied_to_its_dead_letter_queue(scene: Scene) -> None:
    async with pgboss(scene) as client:
        await scene.do(f"UPDATE pgboss.job SET dead_letter = '{NOBODY}'")
        await client.call("fetch", MAIL)
        await scene.do(LONG_STARTED)
        await client.call("supervise", MAIL)


@way("pgboss", {FAILED: 1, PENDING: 1}, FAILED)
async def it_is_redriven_from_its_dead_letter_queue(scene: Scene) -> None:
    await it_expires_and_is_copied_to_its_dead_letter_queue(scene)
    async with pgboss(scene) as client:
        await client.call("redrive", NOBODY)


@way("pgboss", {FAILED: 1}, FAILED)
async def it_is_failed_while_it_waits(scene: Scene) -> None:
    async with pgboss(scene) as client:
        await client.call("fail", MAIL, scene.job_id)


@way("pgboss", {CANCELLED: 1}, CANCELLED)
async def it_is_cancelled_at_work(scene: Scene) -> None:
    async with pgboss(scene) as client:
        await client.call("fetch", MAIL)
        await client.call("cancel", MAIL, scene.job_id)


@way("pgboss", {COMPLETED: 1}, COMPLETED)
async def it_is_completed_by_hand_while_it_waits(scene: Scene) -> None:
    async with pgboss(scene) as client:
        await client.call("complete", MAIL, scene.job_id, {}, {"includeQueued": True})


@way("pgboss", {})
async def it_is_deleted_by_hand(scene: Scene) -> None:
    async with pgboss(scene) as client:
        await client.call("deleteJob", MAIL, scene.job_id)


@way("pgboss", {})
async def its_retention_ends_while_it_waits(scene: Scene) -> None:
    await scene.do("UPDATE pgboss.job SET keep_until = now() - interval '1 s'")
    async with pgboss(scene) as client:
        await client.call("supervise", MAIL)


@asynccontextmanager
async def procrastinate(scene: Scene, fetched: bool = True) -> AsyncIterator[JobManager]:
    made = app(scene.address, (MAIL,))
    async with made.open_async():
        manager = made.job_manager
        if fetched:
            await manager.fetch_job([MAIL], await manager.register_worker())
        yield manager


@way("procrastinate", {RETRY: 1})
async def it_stalls_and_is_retried(scene: Scene) -> None:
    async with procrastinate(scene) as manager:
        await manager.retry_job_by_id_async(int(scene.job_id), datetime.now(UTC))


@way("procrastinate", {COMPLETED: 1}, COMPLETED)
async def it_is_retried_as_stalled_and_its_worker_completes_it(scene: Scene) -> None:
    async with procrastinate(scene) as manager:
        await manager.retry_job_by_id_async(int(scene.job_id), datetime.now(UTC) + timedelta(hours=1))
        await manager.finish_job_by_id_async(int(scene.job_id), Status.SUCCEEDED, delete_job=False)


@way("procrastinate", {FAILED: 1}, FAILED)
async def it_is_retried_as_stalled_and_its_worker_fails_it(scene: Scene) -> None:
    async with procrastinate(scene) as manager:
        await manager.retry_job_by_id_async(int(scene.job_id), datetime.now(UTC) + timedelta(hours=1))
        await manager.finish_job_by_id_async(int(scene.job_id), Status.FAILED, delete_job=False)


@way("procrastinate", {FAILED: 1}, FAILED)
async def it_stalls_and_is_finished_by_hand(scene: Scene) -> None:
    async with procrastinate(scene) as manager:
        await manager.finish_job_by_id_async(int(scene.job_id), Status.FAILED, delete_job=False)


@way("procrastinate", {FAILED: 1}, FAILED)
async def it_is_finished_by_hand_while_it_waits(scene: Scene) -> None:
    async with procrastinate(scene, fetched=False) as manager:
        await manager.finish_job_by_id_async(int(scene.job_id), Status.FAILED, delete_job=False)


@way("procrastinate", {COMPLETED: 1}, COMPLETED, CANCELLED)
async def it_is_cancelled_made_to_wait_again_and_completed(scene: Scene) -> None:
    async with procrastinate(scene, fetched=False) as manager:
        await manager.cancel_job_by_id_async(int(scene.job_id))
    await scene.do("UPDATE procrastinate_jobs SET status = 'todo'")
    async with procrastinate(scene) as manager:
        await manager.finish_job_by_id_async(int(scene.job_id), Status.SUCCEEDED, delete_job=False)


@way("procrastinate", {FAILED: 1}, FAILED)
async def its_worker_would_retry_it_after_an_abort(scene: Scene) -> None:
    async with procrastinate(scene) as manager:
        await manager.cancel_job_by_id_async(int(scene.job_id), abort=True)
        await manager.retry_job_by_id_async(int(scene.job_id), datetime.now(UTC))


@way("procrastinate", {CANCELLED: 1}, CANCELLED)
async def it_is_aborted(scene: Scene) -> None:
    async with procrastinate(scene) as manager:
        await manager.cancel_job_by_id_async(int(scene.job_id), abort=True)
        await manager.finish_job_by_id_async(int(scene.job_id), Status.ABORTED, delete_job=False)


@way("procrastinate", {})
async def it_is_cancelled_and_deleted(scene: Scene) -> None:
    async with procrastinate(scene, fetched=False) as manager:
        await manager.cancel_job_by_id_async(int(scene.job_id), delete_job=True)


@way("procrastinate", {})
async def its_worker_deletes_what_it_completes(scene: Scene) -> None:
    async with procrastinate(scene) as manager:
        await manager.finish_job_by_id_async(int(scene.job_id), Status.SUCCEEDED, delete_job=True)


async def pgqueuer_fetch(scene: Scene) -> tuple[Queries, Job]:
    queries = Queries(PsycopgDriver(scene.admin))
    [job] = await queries.dequeue(
        1,
        {MAIL: EntrypointExecutionParameter(0)},  # type: ignore[dict-item]
        uuid4(),  # type: ignore[arg-type]
        None,
        timedelta(seconds=30),
    )
    return queries, job


@way("pgqueuer", {COMPLETED: 1}, COMPLETED)
async def its_worker_dies_and_another_one_completes_it(scene: Scene) -> None:
    await pgqueuer_fetch(scene)
    await scene.do("UPDATE pgqueuer SET heartbeat = now() - interval '1 hour'")
    queries, job = await pgqueuer_fetch(scene)
    await queries.log_jobs([(job, "successful", None)])


@way("pgqueuer", {FAILED: 1}, FAILED)
async def it_fails_and_is_held(scene: Scene) -> None:
    queries, job = await pgqueuer_fetch(scene)
    await queries.log_jobs([(job, "failed", None)])


@way("pgqueuer", {FAILED: 1}, FAILED)
async def it_fails_and_what_is_held_is_deleted_by_hand(scene: Scene) -> None:
    await it_fails_and_is_held(scene)
    await scene.do("DELETE FROM pgqueuer")


@way("pgqueuer", {COMPLETED: 1}, FAILED, COMPLETED)
async def it_fails_is_held_queued_again_and_completed(scene: Scene) -> None:
    queries, job = await pgqueuer_fetch(scene)
    await queries.log_jobs([(job, "failed", None)])
    await queries.requeue_jobs([job.id])
    queries, job = await pgqueuer_fetch(scene)
    await queries.log_jobs([(job, "successful", None)])


@way("pgqueuer", {CANCELLED: 1}, CANCELLED)
async def its_entrypoint_is_cleared(scene: Scene) -> None:
    await pgqueuer_fetch(scene)
    await Queries(PsycopgDriver(scene.admin)).clear_queue(MAIL)


@way("pgqueuer", {})
async def the_queue_is_truncated(scene: Scene) -> None:
    await Queries(PsycopgDriver(scene.admin)).clear_queue()


in_sql("pgqueuer", "it is deleted by hand", {}, (), "DELETE FROM pgqueuer")

LOCK = "UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'w', attempts = attempts + 1"
LONG_AGO = "UPDATE graphile_worker._private_jobs SET created_at = now() - interval '9 h', updated_at = created_at"
RESET = "UPDATE graphile_worker._private_jobs SET locked_at = NULL, locked_by = NULL, run_at = greatest(run_at, now())"
UNLOCK = "SELECT graphile_worker.force_unlock_workers(array['w'])"
for recorded in ("graphile", "graphile-unrecorded"):
    for attempts in (1, 25):
        tried = f"UPDATE graphile_worker._private_jobs SET max_attempts = {attempts}, attempts = {attempts} - 1"
        for unlocks, unlock in (("it is unlocked by force", UNLOCK), ("its lock is reset", RESET)):
            in_sql(recorded, f"at attempt {attempts} of as many {unlocks}", {FAILED: 1}, (FAILED,), tried, LOCK, unlock)
    in_sql(
        recorded,
        "it is unlocked by force with an attempt left",
        {RETRY: 1},
        (),
        "UPDATE graphile_worker._private_jobs SET max_attempts = 2",
        LOCK,
        UNLOCK,
    )
    in_sql(
        recorded,
        "it is given up by hand while it waits",
        {FAILED: 1},
        (FAILED,),
        "SELECT graphile_worker.permanently_fail_jobs(array[%(id)s::bigint])",
    )
    in_sql(
        recorded,
        "it is given up by hand at work, and unlocked later",
        {FAILED: 1},
        (FAILED,),
        LOCK,
        "UPDATE graphile_worker._private_jobs SET locked_at = now() - interval '5 h'",
        "SELECT graphile_worker.permanently_fail_jobs(array[%(id)s::bigint])",
        RESET,
    )
in_sql("graphile", "it is deleted while it waits", {}, (CANCELLED,), "DELETE FROM graphile_worker._private_jobs")

RIVER_FETCH = "UPDATE river_job SET state = 'running', attempt = attempt + 1, attempted_at = now() - interval '2 h'"
in_sql(
    "river",
    "it is rescued without an attempt left",
    {FAILED: 1},
    (FAILED,),
    RIVER_FETCH,
    "UPDATE river_job SET state = 'discarded', finalized_at = now(), errors = array_append(errors, '{}')",
)
in_sql(
    "river",
    "it is rescued with an attempt left",
    {RETRY: 1},
    (),
    RIVER_FETCH,
    "UPDATE river_job SET state = 'retryable', scheduled_at = now() + interval '1 s'",
)
in_sql(
    "river",
    "it is cancelled at work and rescued",
    {CANCELLED: 1},
    (CANCELLED,),
    RIVER_FETCH,
    "UPDATE river_job SET state = 'cancelled', finalized_at = now(), errors = array_append(errors, '{}')",
)
in_sql("river", "it is deleted by hand", {}, (), "DELETE FROM river_job")

OBAN_FETCH = (
    "UPDATE oban_jobs SET state = 'executing', attempt = attempt + 1,"
    " attempted_at = timezone('UTC', now()) - interval '2 h', attempted_by = array['node', 'gone']"
)
OBAN_RESCUE = """
UPDATE oban_jobs
   SET state = CASE WHEN attempt >= max_attempts THEN 'discarded' ELSE 'available' END::oban_job_state,
       discarded_at = CASE WHEN attempt >= max_attempts THEN timezone('UTC', now()) END,
       meta = CASE WHEN attempt >= max_attempts THEN meta ELSE meta || '{"rescued": 1}' END
"""
for kind in ("oban", "oban-python"):
    in_sql(kind, "it is rescued without an attempt left", {FAILED: 1}, (FAILED,), OBAN_FETCH, OBAN_RESCUE)
    in_sql(
        kind,
        "it is rescued with an attempt left",
        {RETRY: 1},
        (),
        "UPDATE oban_jobs SET max_attempts = 2",
        OBAN_FETCH,
        OBAN_RESCUE,
    )
    in_sql(kind, "it is deleted by hand", {}, (), "DELETE FROM oban_jobs")
in_sql("ascent", "it is deleted by hand", {}, (), "DELETE FROM ascent.jobs")

_PARAMETERS = [pytest.param(way.kind, way, id=name) for name, way in WAYS.items()]


@pytest.mark.parametrize(("kind", "way"), _PARAMETERS, indirect=["kind"])
async def test_a_job_that_ends_without_a_word_is_one_run_at_the_most_and_in_one_state(
    driver: Driver, way: Way, address: str, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    lacking = await open_engine(driver.engine, None).reader.lacking(admin)
    exporter = watch(queue)
    await exporter.poll()

    await way.go(Scene(address, admin, await driver.enqueue(MAIL)))

    page = await exporter.poll(rounds=3)
    restarted = await watch(queue).poll(rounds=2)
    if way.ends.total() < 2:  # a second end is told from a second job when the first one is counted anew
        assert jobs(page) == way.jobs
        assert jobs(restarted) == way.jobs
    if Capability.COMPLETIONS not in lacking:
        assert ends(page) == way.ends
        assert (page.value(metrics.DAY_RUNS, job_type=MAIL) or 0) == way.ends[COMPLETED] + way.ends[FAILED]
    viewed = await admin.execute("SELECT state, count(*) FROM system_status.recent_jobs GROUP BY 1")
    assert dict(await viewed.fetchall()) == way.jobs


def jobs(page: Scrape) -> Mapping[JobState, int]:
    found: Counter[JobState] = Counter()
    for (_, state), number in shown(page).items():
        found[state] += number
    return found


def ends(page: Scrape) -> Mapping[JobState, int]:
    failed = int(page.value(metrics.RUN_FAILURES, job_type=MAIL) or 0)
    completed = int(page.value(metrics.RUNS, job_type=MAIL) or 0) - failed
    cancelled = int(page.value(metrics.CANCELLED, job_type=MAIL) or 0)
    return +Counter({COMPLETED: completed, FAILED: failed, CANCELLED: cancelled})
