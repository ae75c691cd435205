"""What the properties of counting are told of: jobs that end and are retried, time, exporters that poll and die."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.counting.world import Exporter, Job, World

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


def steps(gaps: st.SearchStrategy[float], actions: Sequence[str], longest: int = 40) -> st.SearchStrategy[list[Step]]:
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
        max_size=longest,
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
        # No two at one microsecond: see World.retry.
        finished_at = world.now + timedelta(seconds=random.choice([0.0, 0.1, 1.0, 30.0]) + random.uniform(0, 0.09))
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
