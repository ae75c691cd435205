"""Names of a megabyte: they are cut by one rule, and none is taken for another."""

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.bounds import NAMES
from tests.control_api.service import Service, serving
from tests.exporter.conftest import watch
from tests.exporter.process import run
from tests.exporter.rows import ago, finish, job, put
from tests.exporter.scrape import Watch, source

__all__ = ["watch"]

ALIKE = "long." * 200_000
LONGEST = NAMES["job_type"]


@pytest.fixture
async def queue(migrated: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def served(migrated: str, queue: AsyncConnection) -> AsyncIterator[Service]:
    async with serving({"main": migrated}) as service:
        yield service


async def test_two_long_names_that_begin_alike_stay_two(queue: AsyncConnection, migrated: str, watch: Watch) -> None:
    await queue.execute("DROP INDEX ascent.jobs_live; ALTER TABLE ascent.schedules DROP CONSTRAINT schedules_pkey")
    exporter = watch(source(migrated, statement_timeout=30))
    await exporter.poll()
    for end in ("a", "b"):
        await put(queue, "jobs", job_type=ALIKE + end, run_after=ago(9), created_at=ago(9))
        await put(queue, "jobs", job_type=ALIKE + end, state="active", started_at=ago(9))
        await put(queue, "schedules", job_type=ALIKE + end, cron="@daily")
        await put(
            queue,
            "workers",
            id=end,
            mode="all",
            current_job_type=ALIKE + end,
            current_started_at=ago(9),
            last_seen_at=ago(1),
        )
        await finish(queue, [job(ALIKE + end)])

    page = await exporter.poll(rounds=2)

    names = set(page.by("job_type", metrics.JOBS, state="pending"))
    assert len(names) == 2
    assert {len(name) for name in names} == {LONGEST + 1}
    for metric in (metrics.OLDEST_READY, metrics.OLDEST_ACTIVE, metrics.RUNS, metrics.DAY_RUNS, metrics.SCHEDULE_VALID):
        assert set(page.by("job_type", metric)) == names, metric.name
    assert set(page.by("job_type", metrics.WORKER_CURRENT_START)) == names
    assert set(page.by("job_type", metrics.RUNS).values()) == {1}
    assert page.by("kind", metrics.FOLDED) == {"job_types": 0, "workers": 0, "schedules": 0}


async def test_a_name_is_left_as_it_is_up_to_499_characters(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    whole, cut = "é" * LONGEST, "é" * (LONGEST + 1)
    for name in (whole, cut):
        await put(queue, "jobs", job_type=name)

    found = (await watch(source(migrated)).poll()).by("job_type", metrics.JOBS, state="pending")

    assert whole in found
    assert cut not in found


async def test_no_name_can_be_made_to_look_like_a_cut_one(queue: AsyncConnection, migrated: str, watch: Watch) -> None:
    await put(queue, "jobs", job_type="x" * 1000)
    [looks] = (await watch(source(migrated)).poll()).by("job_type", metrics.JOBS, state="pending")

    await put(queue, "jobs", job_type=looks)
    found = (await watch(source(migrated)).poll()).by("job_type", metrics.JOBS, state="pending")

    assert found == {looks: 1, **{name: 1 for name in found if name != looks}}
    assert len(found) == 2


async def test_run_now_of_a_cut_name_is_refused(queue: AsyncConnection, served: Service) -> None:
    await put(queue, "schedules", job_type="x" * 1000, cron="@daily")
    [link] = [link for label, link in (await served.page("/control/")).links.items() if label.startswith("Run x")]

    answers = [
        await served.get(link),
        await served.post(link, data={"request_id": "cut"}),
        await served.post("/control/main/run", data={"request_id": "whole", "job_type": "x" * 1000}),
    ]

    assert {answer.status for answer in answers} == {422}
    assert await count(queue, "ascent.jobs") == 0


async def test_a_recurring_job_for_which_the_list_has_no_room_can_be_run(
    queue: AsyncConnection, served: Service
) -> None:
    await queue.execute(
        "INSERT INTO ascent.schedules (job_type, cron) SELECT 'many-' || n, '@daily' FROM generate_series(1, 3000) AS n"
    )
    await put(queue, "schedules", job_type="zzz", cron="@daily")

    page = await served.page("/control/")
    asked = await served.page("/control/main/schedules/zzz/run")
    ran = await served.post("/control/main/schedules/zzz/run", data={"request_id": "beyond"})
    nobody = await served.post("/control/main/schedules/zzzz/run", data={"request_id": "nobody"})

    assert "Run zzz now" not in page.links
    assert "And 2,801 more recurring jobs." in page.text
    assert asked.forms
    assert ran.status == 200
    assert nobody.status == 404
    assert await count(queue, "ascent.jobs WHERE job_type = 'zzz'") == 1


async def test_the_list_of_tokens_has_an_end(queue: AsyncConnection, migrated: str) -> None:
    await queue.execute(
        "INSERT INTO system_status.api_tokens (name, hash, allow)"
        " SELECT n || repeat('n', 1000), sha256(n::text::bytea), array_fill(repeat('a', 1000), array[30])"
        "   FROM generate_series(1, 5000) AS n"
    )

    listed = await run("token", "list", module="control_api", DATABASE_URL=migrated)

    assert listed.code == 0
    assert len(listed.output.splitlines()) == 1000
    assert len(listed.output) < 4_000_000
    assert "and 4,000 older ones" in listed.errors


async def count(queue: AsyncConnection, table: str) -> int:
    [number] = await (await queue.execute(f"SELECT count(*) FROM {table}".encode())).fetchone() or (None,)
    assert isinstance(number, int)
    return number
