"""Jobs that finish while an exporter looks on, and what it has to have counted then."""

from random import Random

import pytest
from psycopg import AsyncConnection

from exporter.counting.runs import Runs
from exporter.counting.store import RunStore
from exporter.database import Database
from jobqueue import catalogue as metrics
from tests.counting.world import Job, assert_same, truth
from tests.exporter.rows import finish, job
from tests.exporter.scrape import Scrape

_JOB_TYPES = ("email.send", "reports.daily", "cleanup")
_STATES = ("completed", "completed", "failed", "cancelled")


class Work:
    """Finishes jobs, now, and remembers them: this is the truth."""

    def __init__(self, address: str, seed: int = 1) -> None:
        self.jobs: list[Job] = []
        self._address = address
        self._random = Random(seed)

    @property
    def runs(self) -> int:
        return sum(job.is_run for job in self.jobs)

    async def goes_on(self, jobs: int = 7) -> None:
        random = self._random
        finished = [
            job(
                random.choice(_JOB_TYPES),
                random.choice(_STATES),
                round(random.lognormvariate(0, 2), 6),
                wait=round(random.lognormvariate(0, 2), 6),
                retries=random.randint(0, 3),
                finished=random.random(),
            )
            for _ in range(jobs)
        ]
        async with await AsyncConnection.connect(self._address) as conn:
            await finish(conn, finished)
        self.jobs += finished

    def assert_counted(self, page: Scrape) -> None:
        """The counters and histograms grew by exactly these jobs, the 24-hour figures hold exactly these."""
        for job_type, runs in truth(self.jobs).items():
            for metric, expected in (
                (metrics.RUNS, runs.runs),
                (metrics.RUN_FAILURES, runs.failures),
                (metrics.RUN_RETRIES, runs.retries),
                (metrics.CANCELLED, runs.cancelled),
                (metrics.RUN_DURATION.name + "_count", runs.runs),
                (metrics.RUN_WAIT.name + "_count", runs.runs),
                (metrics.DAY_RUNS, runs.runs),
                (metrics.DAY_FAILURES, runs.failures),
            ):
                assert page.value(metric, job_type=job_type) == expected, (metric, job_type)
            assert page.value(metrics.DAY_MAX, job_type=job_type) == runs.run_max
            for histogram, seconds in (
                (metrics.RUN_DURATION, runs.run_seconds),
                (metrics.RUN_WAIT, runs.wait_seconds),
            ):
                assert page.value(histogram.name + "_sum", job_type=job_type) == pytest.approx(seconds)

    async def assert_kept(self, address: str | None = None) -> None:
        """``run_minutes``, there or beside the queue, holds exactly these jobs, bucket by bucket."""
        totals: dict[str, Runs] = {}
        async with Database(address or self._address, 5, read_only=True) as database:
            for (_, job_type), runs in (await RunStore(database, "main").minutes(0)).items():
                totals.setdefault(job_type, Runs()).add(runs)
        assert_same(totals, truth(self.jobs))
