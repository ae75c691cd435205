from datetime import timedelta

from demo.platform.catalogue import ORGANIZATIONS
from demo.platform.connection import Conn, connect
from demo.platform.worker import Outcome
from tests.demo.jobs import a_worker, add, job, rows, scalar

WELL = Outcome(error=None)
BADLY = Outcome(error="TimeoutError: no answer within 10 s")


async def test_jobs_are_fetched_by_priority_then_due_time_then_number(queue: Conn) -> None:
    normal = await add(queue)
    older = await add(queue, run_after="now() - interval '1 minute'")
    urgent = await add(queue, priority="10")
    same_as_normal = await add(queue, run_after=f"(SELECT run_after FROM ascent.jobs WHERE id = {normal})")
    worker = a_worker()

    fetched = [found.id for _ in range(4) if (found := await worker.fetch(queue))]

    assert fetched == [urgent, older, normal, same_as_normal]


async def test_a_job_that_is_not_due_waits(queue: Conn) -> None:
    await add(queue, run_after="now() + interval '1 minute'")
    await add(queue, state="'retry'", run_after="now() + interval '1 minute'")

    assert await a_worker().fetch(queue) is None


async def test_a_job_goes_to_one_worker_alone(queue: Conn, database: str) -> None:
    number = await add(queue)

    async with await connect(database) as other, queue.transaction():
        first = await a_worker("worker-1").fetch(queue)
        second = await a_worker("worker-2").fetch(other)

    assert first is not None
    assert first.id == number
    assert second is None


async def test_a_fetched_job_and_its_worker_show_it(queue: Conn) -> None:
    number = await add(queue)

    await a_worker("worker-1").fetch(queue)

    active = await job(queue, number)
    [worker] = await rows(queue, "SELECT * FROM ascent.workers")
    assert (active["state"], active["worker_id"]) == ("active", "worker-1")
    assert worker["id"] == "worker-1"
    assert (worker["current_job_id"], worker["current_job_type"]) == (number, "email.send_due")
    assert worker["current_started_at"] == active["started_at"]


async def test_a_job_still_waiting_at_its_expiry_is_dropped_not_run(queue: Conn) -> None:
    late = await add(queue, expires_at="now() - interval '1 second'")
    late_retry = await add(queue, state="'retry'", expires_at="now()")
    in_time = await add(queue, expires_at="now() + interval '1 minute'")

    fetched = await a_worker().fetch(queue)

    assert fetched is not None
    assert fetched.id == in_time
    for number in (late, late_retry):
        dropped = await job(queue, number)
        assert (dropped["state"], dropped["last_error"]) == ("cancelled", "expired")
        assert dropped["finished_at"] is not None
        assert dropped["started_at"] is None


async def test_a_completed_job_has_its_end_and_counts_for_its_worker(queue: Conn) -> None:
    number = await add(queue)
    worker = a_worker()
    fetched = await worker.fetch(queue)
    assert fetched is not None

    await worker.finish(queue, fetched, WELL)

    done = await job(queue, number)
    [row] = await rows(queue, "SELECT processed, failed, current_job_id FROM ascent.workers")
    assert done["state"] == "completed"
    assert done["finished_at"] > done["started_at"]
    assert row == {"processed": 1, "failed": 0, "current_job_id": None}


async def test_failures_are_retried_ever_later_until_no_retry_is_left(queue: Conn) -> None:
    number = await add(queue, max_retries="2")
    worker = a_worker(speed=1)
    pauses = []
    for _ in range(2):
        fetched = await worker.fetch(queue)
        assert fetched is not None
        await worker.finish(queue, fetched, BADLY)
        waiting = await job(queue, number)
        assert waiting["state"] == "retry"
        assert waiting["finished_at"] is None
        pauses.append(waiting["run_after"] - waiting["now"])
        await queue.execute("UPDATE ascent.jobs SET run_after = now()")

    fetched = await worker.fetch(queue)
    assert fetched is not None
    await worker.finish(queue, fetched, BADLY)

    failed = await job(queue, number)
    assert timedelta(seconds=4) < pauses[0] < timedelta(seconds=8) < pauses[1] < timedelta(seconds=16)
    assert (failed["state"], failed["retries"], failed["last_error"]) == ("failed", 2, BADLY.error)
    assert failed["finished_at"] is not None
    assert await rows(queue, "SELECT processed, failed FROM ascent.workers") == [{"processed": 3, "failed": 1}]


async def test_the_end_of_a_run_never_overwrites_what_somebody_did_meanwhile(queue: Conn) -> None:
    for outcome in (WELL, BADLY):
        for retries_left in ("0", "3"):
            number = await add(queue, "webhooks.dispatch", max_retries=retries_left)
            worker = a_worker()
            fetched = await worker.fetch(queue)
            assert fetched is not None
            await queue.execute("UPDATE ascent.jobs SET state = 'failed', finished_at = now(), last_error = 'by hand'")
            left = await job(queue, number)

            await worker.finish(queue, fetched, outcome)

            now = await job(queue, number)
            assert {**now, "now": None} == {**left, "now": None}
    assert await scalar(queue, "SELECT count(*) FROM ascent.jobs") == 4
    assert await rows(queue, "SELECT processed, current_job_id FROM ascent.workers") == [
        {"processed": 0, "current_job_id": None}
    ]


async def test_a_job_that_another_worker_got_meanwhile_is_left_to_it(queue: Conn) -> None:
    number = await add(queue)
    worker = a_worker("worker-1")
    fetched = await worker.fetch(queue)
    assert fetched is not None
    await queue.execute("UPDATE ascent.jobs SET worker_id = 'worker-2'")

    await worker.finish(queue, fetched, WELL)

    assert (await job(queue, number))["state"] == "active"


async def test_a_fan_out_queues_a_job_for_each_organization(queue: Conn) -> None:
    await add(queue, "webhooks.dispatch", origin="'schedule'")
    worker = a_worker()
    fetched = await worker.fetch(queue)
    assert fetched is not None

    await worker.finish(queue, fetched, WELL)

    children = await rows(queue, "SELECT job_type, origin, organization_id FROM ascent.jobs WHERE id > 1 ORDER BY id")
    assert children == [
        {"job_type": "webhooks.deliver", "origin": "code", "organization_id": organization}
        for organization in ORGANIZATIONS
    ]


async def test_a_worker_that_leaves_gives_its_job_back_and_takes_its_row_away(queue: Conn) -> None:
    fresh = await add(queue)
    tried_before = await add(queue, state="'retry'", retries="1")
    for number, state in ((fresh, "pending"), (tried_before, "retry")):
        worker = a_worker(f"worker-{number}")
        await worker.fetch(queue)

        await worker.presence.leave(queue)

        given_back = await job(queue, number)
        assert (given_back["state"], given_back["worker_id"], given_back["started_at"]) == (state, None, None)
        await queue.execute("UPDATE ascent.jobs SET run_after = run_after + interval '1 hour'")
        await queue.execute(f"UPDATE ascent.jobs SET run_after = now() WHERE id = {tried_before}".encode())
    assert await rows(queue, "SELECT * FROM ascent.workers") == []
