"""The buckets of both histograms, on the page, with the values that the jobs have."""

import pytest
from psycopg import AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.catalogue import Metric
from tests.exporter.rows import finish, job
from tests.exporter.scrape import Scrape, Watch, source

BOUNDS = [2.0**power for power in range(-7, 17)]
DURATIONS = [
    0.0,
    0.001,
    1 / 128,
    0.0079,
    0.3,
    0.5,
    0.500001,
    1.0,
    1.000001,
    7.999999,
    8.0,
    8.1,
    300.0,
    65_536.0,
    70_000.0,
]
WAITS = [0.0, 0.0, 0.25, 0.26, 2.0, 2.0, 2.0, 2.000001, 64.0, 1024.0, 1025.0, 30_000.0, 65_536.0, 65_537.0, 400_000.0]


def buckets(page: Scrape, metric: Metric, job_type: str) -> dict[float, float]:
    """How many runs took at most so long, by the bound that the page has."""
    by_bound = page.by("le", metric.name + "_bucket", job_type=job_type)
    return {float(bound): value for bound, value in by_bound.items()}


async def filled(queue: AsyncConnection, migrated: str, watch: Watch) -> Scrape:
    exporter = watch(source(migrated))
    await exporter.poll()
    jobs = [
        job("mail", "failed" if number % 4 == 0 else "completed", duration, wait=wait, finished=1.5)
        for number, (duration, wait) in enumerate(zip(DURATIONS, WAITS, strict=True))
    ]
    cancelled = job("mail", "cancelled", 3.0, wait=3.0)
    await finish(queue, [*jobs, cancelled, job("other", duration=0.75, wait=48.0)])
    return await exporter.poll()


@pytest.mark.parametrize(
    ("metric", "seconds"), [(metrics.RUN_DURATION, DURATIONS), (metrics.RUN_WAIT, WAITS)], ids=["duration", "wait"]
)
async def test_a_bucket_holds_the_runs_up_to_its_bound_and_the_bound_too(
    queue: AsyncConnection, migrated: str, watch: Watch, metric: Metric, seconds: list[float]
) -> None:
    page = await filled(queue, migrated, watch)

    assert buckets(page, metric, "mail") == {
        bound: sum(second <= bound for second in seconds) for bound in [*BOUNDS, float("inf")]
    }
    assert page.value(metric.name + "_count", job_type="mail") == len(seconds)
    assert page.value(metric.name + "_sum", job_type="mail") == pytest.approx(sum(seconds))


async def test_a_run_stands_in_the_one_histogram_by_its_duration_and_in_the_other_by_its_wait(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    page = await filled(queue, migrated, watch)

    for metric, first in ((metrics.RUN_DURATION, 1.0), (metrics.RUN_WAIT, 64.0)):
        assert [bound for bound, runs in buckets(page, metric, "other").items() if runs] == [
            bound for bound in [*BOUNDS, float("inf")] if bound >= first
        ]


async def test_runs_of_later_reads_are_added(queue: AsyncConnection, migrated: str, watch: Watch) -> None:
    exporter = watch(source(migrated, settle=600.0))
    await exporter.poll()
    for finished, duration in ((1.0, 0.75), (100.0, 3.0), (200.0, 0.75)):
        await finish(queue, [job("mail", duration=duration, wait=0.2, finished=finished)])
        page = await exporter.poll()

    grown = buckets(page, metrics.RUN_DURATION, "mail")
    assert [grown[bound] for bound in (0.5, 1.0, 2.0, 4.0, float("inf"))] == [0, 2, 2, 3, 3]
    assert buckets(page, metrics.RUN_WAIT, "mail")[0.25] == 3
