"""The law of counting, over the real SQL on a real Postgres: whatever happens, each finished job is counted once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.counting.world import SETTLE, Exporter, Job, World, assert_same, truth

JOB_TYPES = ["email.send", "reports.daily", 'say "hello"; DROP', "日次\nレポート"]
SECONDS = [0.0, 2.0**-7, 0.5, 1.0, 2.0, 64.0, 65536.0]
HOUR = 3600.0
CLOCKS_APART = 30.0
"""Finish times lie up to so many seconds before or after the moment: workers' clocks run apart."""

law = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@dataclass(frozen=True)
class Step:
    """Some jobs finish, some are retried by hand and end anew, time passes, somebody does something."""

    jobs: int
    retried: int
    seed: int
    gap: float
    exporter: int
    action: str
    janitor: bool


def steps(gaps: st.SearchStrategy[float], actions: Sequence[str]) -> st.SearchStrategy[list[Step]]:
    return st.lists(
        st.builds(
            Step,
            jobs=st.integers(0, 12),
            retried=st.integers(0, 3),
            seed=st.integers(0, 2**32),
            gap=gaps,
            exporter=st.integers(0, 1),
            action=st.sampled_from(actions),
            janitor=st.booleans(),
        ),
        min_size=15,
        max_size=40,
    )


def finish_some(world: World, step: Step, late_up_to: float) -> None:
    random = Random(step.seed)
    for _ in range(step.jobs):
        finished_at = world.now + timedelta(seconds=random.uniform(-CLOCKS_APART, CLOCKS_APART))
        if random.random() < 0.5:  # crowded around the edge of a minute, where minutes are told apart
            edge = (world.now + timedelta(seconds=CLOCKS_APART)).replace(second=0, microsecond=0)
            finished_at = edge + random.choice([-1, 0, 1]) * timedelta(microseconds=1)
        job = Job(
            job_type=random.choice(JOB_TYPES),
            state=random.choice(["completed", "completed", "failed", "cancelled"]),
            duration=random.choice([*SECONDS, random.lognormvariate(0, 3)]),
            wait=random.choice([*SECONDS, random.lognormvariate(0, 3)]),
            retries=random.randint(0, 3),
            finished_at=finished_at,
        )
        # A worker whose clock runs ahead commits before the time that it says.
        world.finish(job, random.choice([random.uniform(0, late_up_to), late_up_to, -CLOCKS_APART]))


async def retry_some(world: World, step: Step, late_up_to: float) -> None:
    random = Random(step.seed + 1)
    for row, job in (await world.retry(random, step.retried)).items():
        finished_at = world.now + timedelta(seconds=random.choice([0.0, 0.1, 1.0, 30.0]))
        state = random.choice(["completed", "failed"])
        again = replace(job, state=state, duration=0.5, finished_at=finished_at, retries=job.retries + 1)
        world.finish(again, random.uniform(0, late_up_to), row)


async def act(exporter: Exporter, action: str, other: Exporter) -> None:
    match action:
        case "poll":
            await exporter.poll()
        case "overtaken":
            exporter.store.overtaken_by = other if other is not exporter else None
            await exporter.poll()
        case "restart":
            exporter.restart()
        case "look":
            await exporter.late.look()
        case "wait":
            pass
        case crash:
            await exporter.crash(crash)


def in_a_world(address: str, story: Callable[[World], Awaitable[None]]) -> None:
    async def tell() -> None:
        opened = await World(address).open()
        try:
            await story(opened)
        finally:
            await opened.close()

    asyncio.run(tell())


@pytest.mark.parametrize("exporters", [1, 2])
@law
@given(data=st.data())
def test_the_table_equals_the_truth_for_any_order_of_commits_polls_crashes_and_deletions(
    shared_database: str, exporters: int, data: st.DataObject
) -> None:
    gaps = st.one_of(st.floats(0, 40), st.floats(40, 300), st.floats(300, 2400))
    story = data.draw(steps(gaps, ["poll", "poll", "overtaken", "wait", "restart", "before commit", "after commit"]))

    async def tell(world: World) -> None:
        pollers = [world.exporter() for _ in range(exporters)]
        for poller in pollers:
            await poller.poll()
        for step in story:
            finish_some(world, step, SETTLE.total_seconds())
            await retry_some(world, step, SETTLE.total_seconds())
            await world.advance(step.gap)
            await act(pollers[step.exporter % exporters], step.action, pollers[0])
            # What the law asks of the queue: finished rows outlive the longest pause between polls.
            paused = max(world.now - poller.polled_at for poller in pollers)
            if step.janitor and paused + SETTLE < timedelta(seconds=HOUR):
                await world.delete_finished_before(HOUR)
        await world.commit_everything()
        for poller in pollers:
            await poller.poll()
            assert_same(await world.table(), truth(world.committed))

    in_a_world(shared_database, tell)


@law
@given(data=st.data())
def test_counters_over_all_lives_of_one_exporter_equal_the_truth(shared_database: str, data: st.DataObject) -> None:
    gaps = st.one_of(st.floats(0, 40), st.floats(40, 300), st.floats(300, 2400))
    story = data.draw(steps(gaps, ["poll", "poll", "wait", "restart", "before commit"]))

    async def tell(world: World) -> None:
        exporter = world.exporter()
        await exporter.poll()
        for step in story:
            finish_some(world, step, SETTLE.total_seconds())
            await retry_some(world, step, SETTLE.total_seconds())
            await world.advance(step.gap)
            await act(exporter, step.action, exporter)
            if step.janitor and world.now - exporter.polled_at + SETTLE < timedelta(seconds=HOUR):
                await world.delete_finished_before(HOUR)
        await world.commit_everything()
        await exporter.poll()

        assert_same(exporter.counters(), truth(world.committed))

    in_a_world(shared_database, tell)


@law
@given(data=st.data())
def test_rows_deleted_after_a_minute_are_counted_while_lateness_and_gap_stay_below_it(
    shared_database: str, data: st.DataObject
) -> None:
    story = data.draw(steps(st.floats(0, 14), ["poll", "restart", "before commit", "after commit"]))

    async def tell(world: World) -> None:
        pollers = [world.exporter(), world.exporter()]
        for poller in pollers:
            await poller.poll()
        for step in story:
            finish_some(world, step, 20)
            await retry_some(world, step, 20)
            await world.advance(step.gap)
            await act(pollers[step.exporter], step.action, pollers[0])
            for poller in pollers:  # lateness 20 s and clocks 30 s apart + the gap
                if world.now - poller.polled_at > timedelta(seconds=0):
                    await poller.poll()
            await world.delete_finished_before(60)
        await world.commit_everything()
        await pollers[0].poll()

        assert_same(await world.table(), truth(world.committed))

    in_a_world(shared_database, tell)


@pytest.mark.parametrize("exporters", [1, 2])
@law
@given(data=st.data())
def test_runs_that_commit_later_than_the_settle_time_are_found_and_counted(
    shared_database: str, exporters: int, data: st.DataObject
) -> None:
    gaps = st.one_of(st.floats(0, 40), st.floats(40, 300))
    story = data.draw(steps(gaps, ["poll", "poll", "look", "wait", "restart", "before commit", "after commit"]))

    async def tell(world: World) -> None:
        pollers = [world.exporter() for _ in range(exporters)]
        for poller in pollers:
            await poller.poll()
        await world.advance(2 * CLOCKS_APART)  # what ended before the first poll's minute isn't looked for
        for step in story:
            finish_some(world, step, HOUR)
            await world.advance(step.gap)
            await act(pollers[step.exporter % exporters], step.action, pollers[0])
        await world.commit_everything()
        for poller in pollers:
            await poller.poll()
            await poller.look_for_late_runs()

            assert_same(await world.table(), truth(world.committed))

    in_a_world(shared_database, tell)
