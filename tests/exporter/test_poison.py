"""A row that should not be: it is shown as far as it makes sense, and takes nothing else down."""

from collections.abc import Awaitable, Callable
from random import Random

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from tests.exporter.rows import ago, finish, job, put
from tests.exporter.scrape import Scrape, Watch, source

Poison = Callable[[AsyncConnection], Awaitable[None]]

NONSENSE = ["infinity", "-infinity", "200000-01-01", "9999-12-31 23:59:59", "1970-01-01", "0001-01-01", "4000-01-01 BC"]
"""Times that PostgreSQL takes and most programs don't."""
ODD_NAMES = {
    "quotes": """say "hello"; it's 'here'""",
    "newlines": "one\ntwo\r\nthree\t",
    "backslashes": "C:\\new\\table\\",
    "emoji": "日次 🧨 é",
    "300 characters": "long." * 60,
    "nothing": "",
    "like a label": 'a",state="pending',
    "like ours": "__other__",
}
HEALTHY = "healthy"

POISONS: dict[str, Poison] = {}


def poison(name: str) -> Callable[[Poison], Poison]:
    def register(put_it: Poison) -> Poison:
        POISONS[name] = put_it
        return put_it

    return register


@poison("a state that nobody has heard of")
async def unknown_state(queue: AsyncConnection) -> None:
    await queue.execute("ALTER TYPE ascent.job_state ADD VALUE IF NOT EXISTS 'paused' BEFORE 'pending'")
    await queue.execute("ALTER TYPE ascent.job_state ADD VALUE IF NOT EXISTS 'vanished'")
    await queue.execute("ALTER TABLE ascent.jobs DROP CONSTRAINT IF EXISTS jobs_check")
    await put(queue, "jobs", job_type=HEALTHY, state="paused")
    await put(queue, "jobs", job_type="bad", state="vanished", started_at=ago(9), finished_at=ago(3))


@poison("finished before it was started")
async def negative_duration(queue: AsyncConnection) -> None:
    await put(queue, "jobs", job_type="bad", state="completed", started_at=ago(2), finished_at=ago(3))
    await put(queue, "jobs", job_type="bad", state="failed", created_at=ago(1), started_at=ago(5), finished_at=ago(3))


@poison("completed and never started")
async def no_start(queue: AsyncConnection) -> None:
    await put(queue, "jobs", job_type="bad", state="completed", finished_at=ago(3))


@poison("active and never started")
async def active_without_start(queue: AsyncConnection) -> None:
    await put(queue, "jobs", job_type="bad", state="active")


@poison("finished in an hour")
async def ahead(queue: AsyncConnection) -> None:
    await put(queue, "jobs", job_type="bad", state="completed", started_at=ago(1), finished_at=ago(-3600))


def nonsense_time(column: str, time: str) -> Poison:
    async def put_it(queue: AsyncConnection) -> None:
        for state in ("pending", "active", "retry", "completed", "failed", "cancelled"):
            times: dict[str, object] = {"created_at": ago(9), "run_after": ago(9), "started_at": ago(8)}
            if state in ("completed", "failed", "cancelled"):
                times["finished_at"] = ago(3)
            if column in times:
                await put(queue, "jobs", job_type="bad", state=state, **{**times, column: time})

    return put_it


def odd_name(name: str) -> Poison:
    async def put_it(queue: AsyncConnection) -> None:
        for state in ("pending", "active", "completed"):
            finished_at = ago(3) if state == "completed" else None
            await put(queue, "jobs", job_type=name, state=state, started_at=ago(5), finished_at=finished_at)
        await put(queue, "schedules", job_type=name, description=name, cron=name, timezone=name)
        await put(queue, "workers", id=name, hostname=name, mode="all", version=name, current_job_type=name)

    return put_it


for column in ("created_at", "run_after", "started_at", "finished_at"):
    for time in NONSENSE:
        POISONS[f"{column} {time}"] = nonsense_time(column, time)
for title, name in ODD_NAMES.items():
    POISONS[f"a name with {title}"] = odd_name(name)


@poison("a job type that no index can hold")
async def endless_job_type(queue: AsyncConnection) -> None:
    endless = Random(1).randbytes(4000).hex()
    for state in ("completed", "failed", "cancelled"):
        await put(queue, "jobs", job_type=endless, state=state, started_at=ago(5), finished_at=ago(3))
    await put(queue, "workers", id="busy for ever", mode="all", current_job_type=endless, current_started_at=ago(5))


@poison("no job type")
async def no_job_type(queue: AsyncConnection) -> None:
    await queue.execute("ALTER TABLE ascent.jobs ALTER job_type DROP NOT NULL")
    for state in ("pending", "active", "retry", "completed", "cancelled"):
        finished_at = ago(3) if state in ("completed", "cancelled") else None
        await put(
            queue, "jobs", job_type=None, state=state, run_after=ago(9), started_at=ago(5), finished_at=finished_at
        )


@poison("retries that are no number, negative, and very many")
async def odd_retries(queue: AsyncConnection) -> None:
    await queue.execute("ALTER TABLE ascent.jobs ALTER retries DROP NOT NULL")
    for retries in (None, -5, 2**31 - 1, 2**31 - 1):
        await put(queue, "jobs", job_type="bad", state="failed", retries=retries, started_at=ago(5), finished_at=ago(3))


@poison("schedules that can't be read")
async def odd_schedules(queue: AsyncConnection) -> None:
    for column in ("cron", "timezone", "description", "priority", "enabled"):
        await queue.execute(f"ALTER TABLE ascent.schedules ALTER {column} DROP NOT NULL")
    await put(queue, "schedules", job_type="no cron", cron=None)
    await put(queue, "schedules", job_type="no sense", cron="61 25 * * *")
    await put(queue, "schedules", job_type="never", cron="0 0 31 2 *")
    await put(queue, "schedules", job_type="no such place", cron="@daily", timezone="Mars/Olympus_Mons")
    await put(queue, "schedules", job_type="no place", cron="@daily", timezone="")
    await put(
        queue,
        "schedules",
        job_type="nothing",
        cron="@daily",
        timezone=None,
        description=None,
        priority=None,
        enabled=None,
    )
    for length in ("-5 minutes", "150000000 years", "-150000000 years", "0"):
        await put(queue, "schedules", job_type=f"expires after {length}", cron="@daily", expire_after=length)
    for time in NONSENSE:
        await put(queue, "schedules", job_type=f"enqueued {time}", cron="@daily", last_enqueued_at=time)


@poison("workers of which nothing is known")
async def odd_workers(queue: AsyncConnection) -> None:
    for column in ("mode", "started_at", "last_seen_at", "processed", "failed"):
        await queue.execute(f"ALTER TABLE ascent.workers ALTER {column} DROP NOT NULL")
    await put(
        queue, "workers", id="nothing", mode=None, started_at=None, last_seen_at=None, processed=None, failed=None
    )
    await put(queue, "workers", id="busy since never", mode="all", current_job_type="bad")
    await put(queue, "workers", id="busy with nothing", mode="all", current_started_at=ago(5))
    await put(queue, "workers", id="in debt", mode="all", processed=-1, failed=-1, pid=-1)
    for time in NONSENSE:
        await put(
            queue, "workers", id=time, mode="all", started_at=time, last_seen_at=time, current_job_type="bad",
            current_started_at=time,
        )  # fmt: skip


@poison("no payload")
async def no_payload(queue: AsyncConnection) -> None:
    """What nobody reads may be missing altogether."""
    await queue.execute("ALTER TABLE ascent.jobs DROP COLUMN IF EXISTS payload")
    await queue.execute("ALTER TABLE ascent.schedules DROP COLUMN IF EXISTS payload")


FINISHED = (
    ("completed", 2.0, 0),
    ("completed", 4.0, 1),
    ("completed", 3.0, 0),
    ("failed", 9.0, 2),
    ("cancelled", 1.0, 0),
)


async def healthy_jobs_finish(queue: AsyncConnection) -> None:
    await finish(
        queue, [job(HEALTHY, state, seconds, retries=retries, finished=1) for state, seconds, retries in FINISHED]
    )


def assert_healthy(page: Scrape, *, runs: int, due: float, started: float) -> None:
    """The healthy type's figures are exact; *runs* of four are new since the exporter started."""
    assert page.value(metrics.UP) == 1
    assert {name: ok for name, ok in page.by("collector", metrics.COLLECTOR_SUCCESS).items() if not ok} == {}
    of = {"job_type": HEALTHY}
    assert page.by("state", metrics.JOBS, **of) == {
        "pending": 1, "scheduled": 1, "active": 1, "retry": 0, "completed": 3, "failed": 1, "cancelled": 1,
    }  # fmt: skip
    new = 1 if runs else 0
    assert page.value(metrics.RUNS, **of) == runs
    assert page.value(metrics.RUN_FAILURES, **of) == new
    assert page.value(metrics.RUN_RETRIES, **of) == 3 * new
    assert page.value(metrics.CANCELLED, **of) == new
    assert page.value(metrics.RUN_DURATION.name + "_sum", **of) == pytest.approx(18 * new)
    assert page.value(metrics.RUN_WAIT.name + "_count", **of) == runs
    assert page.value(metrics.DAY_RUNS, **of) == 4
    assert page.value(metrics.DAY_FAILURES, **of) == 1
    assert page.value(metrics.DAY_SUCCESS_RATIO, **of) == 0.75
    assert page.value(metrics.DAY_MAX, **of) == 9
    assert page.value(metrics.DAY_P50, **of) == pytest.approx(3.5, rel=0.025)
    assert page.value(metrics.OLDEST_READY, **of) == due
    assert page.value(metrics.OLDEST_ACTIVE, **of) == started
    assert page.by("job_type", metrics.SCHEDULE_VALID)[HEALTHY] == 1
    assert page.value(metrics.WORKER_PROCESSED, worker=HEALTHY) == 12


async def all_of_them(queue: AsyncConnection) -> None:
    for put_it in POISONS.values():
        await put_it(queue)


@pytest.mark.parametrize("put_it", [*POISONS.values(), all_of_them], ids=[*POISONS, "all of them"])
async def test_one_bad_row_spoils_nothing_else(
    queue: AsyncConnection, migrated: str, watch: Watch, put_it: Poison
) -> None:
    due, started = ago(90), ago(70)
    await put(queue, "jobs", job_type=HEALTHY, created_at=due, run_after=due)
    await put(queue, "jobs", job_type=HEALTHY, run_after=ago(-900))
    await put(queue, "jobs", job_type=HEALTHY, state="active", started_at=started)
    await put(queue, "schedules", job_type=HEALTHY, cron="@daily")
    await put(queue, "workers", id=HEALTHY, mode="all", processed=12)
    exporter = watch(source(migrated))
    await exporter.poll()

    await put_it(queue)
    await healthy_jobs_finish(queue)
    page = await exporter.poll(rounds=2)
    started_after = await watch(source(migrated, "other")).poll(rounds=2)

    assert_healthy(page, runs=4, due=due.timestamp(), started=started.timestamp())
    assert_healthy(started_after, runs=0, due=due.timestamp(), started=started.timestamp())


@pytest.mark.parametrize("put_it", POISONS.values(), ids=list(POISONS))
async def test_a_bad_row_alone_in_the_queue_fails_nothing(
    queue: AsyncConnection, migrated: str, watch: Watch, put_it: Poison
) -> None:
    await put_it(queue)

    page = await watch(source(migrated)).poll(rounds=2)

    assert {name: ok for name, ok in page.by("collector", metrics.COLLECTOR_SUCCESS).items() if not ok} == {}
