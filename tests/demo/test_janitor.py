import pytest

from demo.platform import janitor
from demo.platform.connection import Conn
from tests.demo.jobs import a_worker, add, job, rows, scalar

NOBODY = {"fail_stuck": 0, "cancel_stale": 0, "delete_completed": 0, "delete_failed": 0}
NOTHING = {**NOBODY, "reap_workers": 0, "delete_tokens": 0}


@pytest.mark.parametrize(
    ("step", "columns", "age"),
    [
        ("fail_stuck", {"state": "'active'", "started_at": "{}"}, "15 minutes"),
        ("cancel_stale", {"created_at": "{}", "run_after": "{}"}, "1 hour"),
        ("delete_completed", {"state": "'completed'", "finished_at": "{}"}, "1 hour"),
        ("delete_failed", {"state": "'failed'", "finished_at": "{}"}, "7 days"),
    ],
)
async def test_a_job_is_touched_just_after_its_age_and_not_just_before(
    queue: Conn, step: str, columns: dict[str, str], age: str
) -> None:
    for beyond in ("-5 seconds", "1 second"):
        moment = f"now() - interval '{age}' - interval '{beyond}'"
        await add(queue, **{name: value.format(moment) for name, value in columns.items()})

    changed = await janitor.run(queue)

    assert changed == {**NOTHING, step: 1}


async def test_a_stuck_job_fails_and_a_stale_one_is_cancelled_with_the_reason(queue: Conn) -> None:
    stuck = await add(queue, state="'active'", started_at="now() - interval '16 minutes'")
    stale = await add(queue, created_at="now() - interval '2 hours'", run_after="now() - interval '2 hours'")

    await janitor.run(queue)

    failed, cancelled = await job(queue, stuck), await job(queue, stale)
    assert (failed["state"], failed["last_error"]) == ("failed", "stuck for more than 15 minutes")
    assert (cancelled["state"], cancelled["last_error"]) == ("cancelled", "pending for more than 1 hour")
    assert None not in (failed["finished_at"], cancelled["finished_at"])


async def test_what_was_queued_long_ago_for_later_is_not_stale(queue: Conn) -> None:
    for run_after in ("now() + interval '1 day'", "now() - interval '1 minute'"):
        await add(queue, created_at="now() - interval '1 day'", run_after=run_after)

    assert await janitor.run(queue) == NOTHING


async def test_dead_workers_and_expired_tokens_go(queue: Conn) -> None:
    for name in ("worker-1", "worker-2"):
        await a_worker(name).presence.beat(queue)
    await queue.execute(
        "UPDATE ascent.workers SET last_seen_at = now() - interval '5 minutes'"
        " + CASE id WHEN 'worker-1' THEN interval '5 seconds' ELSE interval '-1 second' END"
    )
    await queue.execute(
        "INSERT INTO ascent.idempotency_tokens (token, expires_at)"
        " VALUES ('old', now() - interval '1 second'), ('new', now() + interval '1 minute')"
    )

    changed = await janitor.run(queue)

    assert changed == {**NOTHING, "reap_workers": 1, "delete_tokens": 1}
    assert await scalar(queue, "SELECT id FROM ascent.workers") == "worker-1"
    assert await scalar(queue, "SELECT token FROM ascent.idempotency_tokens") == "new"


async def test_the_job_of_a_dead_worker_is_failed_once_it_is_stuck(queue: Conn) -> None:
    number = await add(queue)
    await a_worker("worker-1").fetch(queue)
    await janitor.run(queue)
    before = await job(queue, number)
    await queue.execute("UPDATE ascent.jobs SET started_at = started_at - interval '15 minutes'")

    await janitor.run(queue)

    assert before["state"] == "active"
    assert (await job(queue, number))["state"] == "failed"


async def test_a_worker_that_was_reaped_comes_back_with_its_next_heartbeat(queue: Conn) -> None:
    presence = a_worker("worker-1").presence
    await presence.beat(queue)
    await queue.execute("UPDATE ascent.workers SET last_seen_at = now() - interval '6 minutes'")
    await janitor.run(queue)

    await presence.beat(queue)

    assert [row["id"] for row in await rows(queue, "SELECT id FROM ascent.workers")] == ["worker-1"]
