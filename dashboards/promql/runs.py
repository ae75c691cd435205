"""Runs as they end: the last 24 hours, and over time."""

from dashboards.promql.select import JOB, by, by_job, first_of, more, rows, series
from jobqueue.catalogue import (
    DAY_FAILURES,
    DAY_RUNS,
    DAY_SUCCESS_RATIO,
    LAST_RUN,
    RUN_FAILURES,
    RUNS,
    Metric,
)

NO_RATIO = 2
"""Stands for no success rate: behind all others when sorted."""
NO_DURATION = -1


def job_types() -> str:
    """One row per job type; its value is the runs of the last 24 hours."""
    return rows(JOB, by_job(DAY_RUNS))


def day_runs(*matchers: str) -> str:
    """Runs of the last 24 hours."""
    return by_job(DAY_RUNS, *matchers)


def day_failures(*matchers: str) -> str:
    """Failed runs of the last 24 hours."""
    return by_job(DAY_FAILURES, *matchers)


def day_success_rate(*matchers: str) -> str:
    """Success of the last 24 hours, 0 to 1, rounded down: 1 failure in 5,000 must not read 100.0 %."""
    ratio = by_job(DAY_SUCCESS_RATIO, *matchers)
    return first_of(f"floor({ratio} * 1000 + 0.000001) / 1000", _without_runs(NO_RATIO, *matchers))


def day_total_success_rate(*matchers: str) -> str:
    """Success of all runs of the last 24 hours, of every source together; nothing without runs."""
    failures, all_runs = f"sum({day_failures(*matchers)})", f"sum({day_runs(*matchers)})"
    return f"floor((1 - {failures} / ({all_runs} > 0)) * 1000 + 0.000001) / 1000"


def failing_job_types() -> str:
    """How many job types had a failure in the last 24 hours."""
    return f"sum({day_failures()} > bool 0)"


def day_duration(metric: Metric, *matchers: str) -> str:
    """A percentile or the maximum of the last 24 hours, in seconds."""
    return first_of(by_job(metric, *matchers), _without_runs(NO_DURATION, *matchers))


def last_run(*matchers: str) -> str:
    """When the newest run ended, in milliseconds; 0 for never."""
    return first_of(f"1000 * {by_job(LAST_RUN, *matchers)}", _without_runs(0, *matchers))


def failure_ratio(*matchers: str) -> str:
    """Failed runs over all runs, hour by hour: over shorter times a rare job jumps between 0 and 100 %."""
    failures, all_runs = (by(JOB, f"increase({series(metric, *matchers)}[1h])") for metric in (RUN_FAILURES, RUNS))
    return f"{failures} / ({all_runs} > 0)"


def throughput(*matchers: str) -> str:
    """Runs per minute."""
    return f"{by(JOB, f'rate({series(RUNS, *matchers)}[$__rate_interval])')} * 60"


def quantile(share: float, histogram: Metric, *matchers: str) -> str:
    """A percentile from a histogram, hour by hour; nothing without runs, where the formula says NaN."""
    rate = by((*JOB, "le"), f"rate({series(histogram, *matchers, suffix='_bucket')}[1h])")
    return f"histogram_quantile({share}, {rate}) >= 0"


def finished(*matchers: str) -> tuple[str, str]:
    """Runs that completed and runs that failed, per interval."""
    runs, failures = (by(JOB, more(series(metric, *matchers))) for metric in (RUNS, RUN_FAILURES))
    return f"clamp_min({runs} - {failures}, 0)", failures


def _without_runs(value: int, *matchers: str) -> str:
    return f"0 * {by_job(DAY_RUNS, *matchers)} + {value}"
