from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from demo.platform.catalogue import JOB_TYPES, SCHEDULED
from demo.simulation import PastJob, simulate

NOW = datetime(2026, 3, 18, 15, 20, tzinfo=UTC)
WORKERS = ["worker-1", "worker-2", "worker-3", "app-2"]


@pytest.fixture(scope="module")
def day() -> list[PastJob]:
    return list(simulate(NOW, WORKERS, Random(7)))


def test_the_same_seed_gives_the_same_day(day: list[PastJob]) -> None:
    assert simulate(NOW, WORKERS, Random(7)) == day
    assert simulate(NOW, WORKERS, Random(8)) != day


def test_every_enabled_job_type_ran(day: list[PastJob]) -> None:
    disabled = {job_type.name for job_type in SCHEDULED if not job_type.enabled}

    assert {job.job_type for job in day} == set(JOB_TYPES) - disabled


def test_a_day_has_as_many_ticks_as_the_clock(day: list[PastJob]) -> None:
    ticks = Counter(job.job_type for job in day if job.origin == "schedule")

    # The newest tick may not have finished when the day ends.
    assert ticks["email.send_due"] in (1439, 1440)
    assert ticks["webhooks.dispatch"] in (287, 288)
    assert ticks["usage.rollup"] == 24
    assert ticks["reports.daily_digest"] == 1


def test_times_follow_each_other(day: list[PastJob]) -> None:
    for job in day:
        assert job.finished_at is not None
        assert NOW - timedelta(days=1) <= job.created_at <= job.run_after <= job.finished_at <= NOW
        assert (job.started_at is None) == (job.state == "cancelled")
        assert job.started_at is None or job.run_after <= job.started_at < job.finished_at
    assert [job.created_at for job in day] == sorted(job.created_at for job in day)


def test_a_worker_runs_one_job_at_a_time(day: list[PastJob]) -> None:
    for worker in WORKERS:
        spans = sorted((job.started_at, job.finished_at) for job in day if job.worker_id == worker and job.started_at)

        assert len(spans) > 1000
        assert all(end <= start for (_, end), (start, _) in pairwise(spans) if end)


def test_some_fail_as_often_as_the_catalogue_says(day: list[PastJob]) -> None:
    runs = Counter(job.job_type for job in day if job.state != "cancelled")
    failures = Counter(job.job_type for job in day if job.state == "failed")

    assert 0.03 < failures["webhooks.deliver"] / runs["webhooks.deliver"] < 0.06
    assert 0.001 < failures["files.thumbnail"] / runs["files.thumbnail"] < 0.006
    assert failures["search.reindex"] == 0


def test_only_what_may_expire_was_dropped(day: list[PastJob]) -> None:
    dropped = [job for job in day if job.state == "cancelled"]

    assert dropped
    for job in dropped:
        assert job.last_error == "expired"
        assert job.expires_at is not None
        assert job.finished_at is not None
        assert job.expires_at <= job.finished_at
