"""The last 24 hours: right although the queue forgets its successes after one, over restarts and while time passes."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from random import Random
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection

from exporter.collectors.runs import RunsCollector
from exporter.counting.cells import pack, percentile, unpack
from exporter.counting.since_start import SinceStart
from exporter.job_types import JobTypes
from exporter.samples import Sample
from jobqueue import catalogue as metrics
from tests.counting.world import Exporter, Job, World, bucket
from tests.exporter.rows import finish, job
from tests.exporter.scrape import Scrape, Watch, source

HOUR = 3600.0
WITHIN = 0.025
FRACTIONS = {metrics.DAY_P50: 0.5, metrics.DAY_P95: 0.95}

JANITOR = "DELETE FROM ascent.jobs WHERE state = 'completed' AND finished_at < %s OR finished_at < %s"
"""Ascent's own: completed jobs after an hour, failed ones after a week."""

TRUTH = """
SELECT job_type, count(*), count(*) FILTER (WHERE state = 'failed'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY date_part('epoch', finished_at - started_at)),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY date_part('epoch', finished_at - started_at)),
       max(date_part('epoch', finished_at - started_at))
  FROM ascent.jobs WHERE state IN ('completed', 'failed') GROUP BY 1
"""


async def janitor(queue: AsyncConnection, now: datetime) -> None:
    await queue.execute(JANITOR, [now - timedelta(hours=1), now - timedelta(days=7)])


def exact(values: list[float], fraction: float) -> float:
    """What ``percentile_cont`` answers, by other means."""
    return values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[round(100 * fraction) - 1]


def a_days_work(random: Random) -> list[Job]:
    """Runs of the last 23 hours, one in ten of which failed, with a heavy tail."""
    return [
        job(
            random.choice(["email.send", "reports.daily"]),
            random.choices(["completed", "failed", "cancelled"], [18, 2, 1])[0],
            round(random.lognormvariate(0, 2), 6),
            finished=random.uniform(60, 23 * HOUR),
        )
        for _ in range(600)
    ]


async def test_the_success_ratio_stays_right_when_the_janitor_deletes_the_successes(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    jobs = a_days_work(Random(7))
    await finish(queue, [job("email.send", finished=23.5 * HOUR), *jobs])
    truth = await (await queue.execute(TRUTH)).fetchall()
    exporter = watch(source(migrated))
    await exporter.poll()
    await janitor(queue, max(job.finished_at for job in jobs))

    after_the_janitor = await exporter.poll()
    after_a_restart = await watch(source(migrated)).poll()

    [(still_there,)] = await (
        await queue.execute("SELECT count(*) FROM ascent.jobs WHERE state = 'completed'")
    ).fetchall()
    assert still_there < len(jobs) / 10
    for page in (after_the_janitor, after_a_restart):
        for job_type, runs, failures, p50, p95, longest in truth:
            assert page.value(metrics.DAY_RUNS, job_type=job_type) == runs
            assert page.value(metrics.DAY_FAILURES, job_type=job_type) == failures
            assert page.value(metrics.DAY_SUCCESS_RATIO, job_type=job_type) == (runs - failures) / runs
            assert page.value(metrics.DAY_P50, job_type=job_type) == pytest.approx(p50, rel=WITHIN)
            assert page.value(metrics.DAY_P95, job_type=job_type) == pytest.approx(p95, rel=WITHIN)
            assert page.value(metrics.DAY_MAX, job_type=job_type) == longest


async def test_a_first_start_begins_where_completed_rows_begin_and_says_so(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    first = job("email.send", "completed", finished=1.5 * HOUR)
    older_failures = [job("email.send", "failed", finished=hours * HOUR) for hours in range(2, 20)]
    await finish(queue, [*older_failures, first, job("email.send", "failed", finished=HOUR)])

    page = await watch(source(migrated)).poll()
    restarted = await watch(source(migrated)).poll()

    for shown in (page, restarted):
        assert shown.value(metrics.DAY_START) == first.finished_at.timestamp()
        assert shown.value(metrics.DAY_RUNS, job_type="email.send") == 2
        assert shown.value(metrics.DAY_SUCCESS_RATIO, job_type="email.send") == 0.5


async def test_a_first_start_on_an_old_queue_begins_a_day_ago(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    inside, outside = job("email.send", finished=23.9 * HOUR), job("email.send", finished=24.1 * HOUR)
    await finish(queue, [inside, outside])

    page = await watch(source(migrated)).poll()

    start = page.value(metrics.DAY_START)
    assert start is not None
    assert outside.finished_at.timestamp() < start < inside.finished_at.timestamp()
    assert page.value(metrics.DAY_RUNS, job_type="email.send") == 1


async def shown(exporter: Exporter) -> Scrape:
    """What the page would say of an exporter whose clock isn't ours."""
    page = Scrape("# EOF\n")
    collector = RunsCollector(
        exporter.tally, exporter.late, SinceStart(), JobTypes(100), lambda _: True, scrape_interval=0
    )
    for sample in await collector.collect():
        if isinstance(sample, Sample):
            labels = zip(sample.metric.labels, sample.labels, strict=True)
            page.series[sample.metric.name, frozenset(labels)] = sample.value
    return page


def assert_last_day(page: Scrape, jobs: Iterable[Job], now: datetime) -> None:
    """The figures are those of the runs that ended in the window; its first minute is a whole one."""
    start = now.replace(second=0, microsecond=0) - timedelta(days=1)
    durations: defaultdict[str, list[float]] = defaultdict(list)
    failures: defaultdict[str, int] = defaultdict(int)
    for run in jobs:
        if run.is_run and run.finished_at >= start:
            durations[run.job_type].append((run.finished_at - run.started_at).total_seconds())
            failures[run.job_type] += run.state == "failed"
    runs = {job_type: count for job_type, count in page.by("job_type", metrics.DAY_RUNS).items() if count}
    assert runs == {job_type: len(values) for job_type, values in durations.items()}
    assert page.by("job_type", metrics.DAY_MAX) == {job_type: max(values) for job_type, values in durations.items()}
    for job_type, values in durations.items():
        assert page.value(metrics.DAY_FAILURES, job_type=job_type) == failures[job_type]
        for metric, fraction in FRACTIONS.items():
            assert page.value(metric, job_type=job_type) == pytest.approx(exact(values, fraction), rel=WITHIN)


@pytest.fixture
async def world(migrated: str) -> AsyncIterator[World]:
    opened = await World(migrated).open()
    yield opened
    await opened.close()


async def test_the_window_moves_with_time_and_loses_what_leaves_it(world: World, queue: AsyncConnection) -> None:
    random, exporter = Random(3), world.exporter()
    await exporter.poll()
    for poll in range(27 * 6):
        hour = poll // 6
        # One works in the first hour only, one in the first half: what leaves differs from what comes.
        job_types = ["always", "always", "seldom"] + ["early"] * (hour < 1) + ["fading"] * (hour < 12)
        for _ in range(random.randint(0, 6)):
            seconds = round(random.lognormvariate(0, 2) * (10 if hour < 3 else 1), 6)
            finished_at = world.now + timedelta(seconds=random.uniform(0, 600))
            state = random.choice(["completed", "completed", "failed", "cancelled"])
            done = Job(random.choice(job_types), state, seconds, 1.0, 0, finished_at)
            world.finish(done, late=random.uniform(0, 100))
        await world.advance(600 + random.uniform(-30, 30))
        if poll % 25 == 24:
            exporter.restart()
        if poll % 2:
            await janitor(queue, world.now)
        page = await shown(exporter)

        assert_last_day(page, world.committed, world.now)
    assert page.by("job_type", metrics.DAY_RUNS).get("early", 0) == 0


async def test_a_last_run_is_remembered_when_its_minute_is_pruned(world: World, queue: AsyncConnection) -> None:
    exporter = world.exporter()
    await exporter.poll()
    success, failure, later = (
        Job(job_type, state, 1.0, 1.0, 0, world.now + timedelta(minutes=minutes))
        for job_type, state, minutes in (("rare", "completed", 1), ("rare", "failed", 3), ("often", "completed", 5))
    )
    for done in (success, failure, later, Job("often", "completed", 1.0, 1.0, 0, world.now)):
        world.finish(done, late=0)
    await world.advance(600)
    await exporter.poll()

    for _ in range(28):
        await world.advance(HOUR)
        world.now = world.now.replace(minute=0)  # pruning takes place in every tenth minute
        await exporter.poll()
    exporter.restart()
    page = await shown(exporter)

    kept = await (await queue.execute("SELECT job_type, minute FROM system_status.run_minutes ORDER BY 2")).fetchall()
    assert kept == [
        (done.job_type, done.finished_at.replace(second=0, microsecond=0)) for done in (success, failure, later)
    ]
    day = exporter.tally.day.types
    assert (day["rare"].last_run_at, day["rare"].last_success_at) == (failure.finished_at, success.finished_at)
    assert (day["often"].last_run_at, day["often"].runs) == (later.finished_at, 0)
    assert page.by("job_type", metrics.DAY_SUCCESS_RATIO) == {}


@given(
    st.lists(
        st.one_of(
            st.floats(1e-3, 1e7),
            st.floats(-7, 16).map(lambda power: 2.0 ** round(power)),
            st.integers(0, 2**32).map(lambda seed: Random(seed).lognormvariate(0, 3)),
        ).filter(lambda seconds: seconds >= 1e-3),
        min_size=1,
        max_size=200,
    ),
    st.sampled_from([0.01, 0.5, 0.95, 0.99]),
)
def test_a_percentile_lies_close_to_the_exact_one(seconds: list[float], fraction: float) -> None:
    buckets: defaultdict[int, int] = defaultdict(int)
    for value in seconds:
        buckets[bucket(value)] += 1
    durations, waits = unpack(pack(buckets, {}))

    found = percentile(durations, fraction, max(seconds))

    assert found is not None
    assert found == pytest.approx(exact(seconds, fraction), rel=WITHIN)
    assert found <= max(seconds)
    assert not waits


@pytest.mark.parametrize("fraction", [0.5, 0.95])
def test_every_percentile_of_a_single_run_is_that_run(fraction: float) -> None:
    assert percentile({111: 1}, fraction, 116.4) == 116.4


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile({}, 0.5, 1.0) is None
