"""What Prometheus is given of a demo's last day."""

from datetime import UTC, datetime, timedelta
from random import Random

from demo.last_day import remembered
from demo.simulation import simulate
from jobqueue import catalogue as metrics

NOW = datetime(2026, 3, 4, tzinfo=UTC)
PAST = ["app-2-aaaaaa", "worker-1-aaaaaa", "worker-2-aaaaaa", "worker-3-aaaaaa"]
TODAY = {
    f"{machine}-bbbbbb": {"hostname": f"{machine}.internal", "pid": "7", "mode": "worker", "version": "1"}
    for machine in ("app-2", "worker-1", "worker-2", "worker-4")
}


def test_the_past_is_that_of_the_workers_who_run_now() -> None:
    day, jobs = remembered(NOW - timedelta(days=1), simulate(NOW, PAST, Random(1)), TODAY)
    series = [one for one in day.series(jobs) if "worker" in one.labels]
    processed = {one.labels["worker"]: one.values[-1] for one in series if one.metric is metrics.WORKER_PROCESSED}
    known = {one.labels["worker"]: one.labels for one in series if one.metric is metrics.WORKER_INFO}

    assert {one.labels["worker"] for one in series} == TODAY.keys()
    assert {worker for worker, jobs in processed.items() if jobs} == TODAY.keys() - {"worker-4-bbbbbb"}
    assert {worker: labels.items() >= TODAY[worker].items() for worker, labels in known.items()} == dict.fromkeys(
        TODAY, True
    )


def test_each_read_took_its_time_and_is_never_of_the_future() -> None:
    day, jobs = remembered(NOW - timedelta(days=1), [], TODAY)
    took = [one for one in day.series(jobs) if one.metric is metrics.COLLECTOR_DURATION]
    read = [one for one in day.series(jobs) if one.metric is metrics.COLLECTOR_LAST_SUCCESS]

    assert len(took) == len(read) > 0
    assert all(0 < (seconds or 0) < 1 for one in took for seconds in one.values)
    assert all((at or 0) <= day.zero + 60 * minute for one in read for minute, at in enumerate(one.values))
