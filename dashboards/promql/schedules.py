"""Recurring jobs: what they are, when they run next, what was missed."""

from dashboards.promql.queue import jobs
from dashboards.promql.select import JOB, busiest, by, by_job, by_job_over_time, first_of, rows, series, zero_if_read
from jobqueue.catalogue import (
    CONTROL_ACTION_INFO,
    SCHEDULE_ENABLED,
    SCHEDULE_INFO,
    SCHEDULE_MISSED,
    SCHEDULE_NEXT,
    SCHEDULE_VALID,
)

DISABLED, INVALID, OVERDUE, NEVER = -1, -2, -3, -4
"""What stands for a next run that is no time."""
NO_TIME = -1


def schedules(*matchers: str) -> str:
    """One row per schedule, with its texts."""
    return rows(JOB, series(SCHEDULE_INFO, *matchers), "description", "schedule", "cron")


def priority(*matchers: str) -> str:
    """10 for High, 0 for Normal, -10 for Low, which sorts as people mean it."""
    high = series(SCHEDULE_INFO, 'priority="High"', *matchers)
    low = series(SCHEDULE_INFO, 'priority="Low"', *matchers)
    return first_of(
        by(JOB, f"10 * {high}"), by(JOB, f"-10 * {low}"), by(JOB, f"0 * {series(SCHEDULE_INFO, *matchers)}")
    )


def next_run(*matchers: str) -> str:
    """When it runs next, in milliseconds; or why that can't be said, or that a tick is overdue."""
    return first_of(
        f"({by_job(SCHEDULE_ENABLED, *matchers)} == 0) + {DISABLED}",
        f"({by_job(SCHEDULE_VALID, *matchers)} == 0) + {INVALID}",
        f"0 * ({by_job(SCHEDULE_MISSED, *matchers)} > 0) + {OVERDUE}",
        _next_milliseconds(*matchers),
        f"0 * {by_job(SCHEDULE_ENABLED, *matchers)} + {NEVER}",
    )


def next_run_at(*matchers: str) -> str:
    """When it runs next, in milliseconds, also while a tick is overdue."""
    return first_of(_next_milliseconds(*matchers), f"0 * {by_job(SCHEDULE_ENABLED, *matchers)} + {NO_TIME}")


def pending(*matchers: str) -> str:
    """Jobs of each schedule that wait for a worker."""
    return f"{jobs('pending', *matchers)} and on (source, job_type) {by_job(SCHEDULE_INFO, *matchers)}"


def run_now(*matchers: str) -> str:
    """One row per schedule whose source has a control API, with the path that runs it: else there is no button."""
    path = by(("source", "path"), series(CONTROL_ACTION_INFO, 'action="run"'))
    return f"{by_job(SCHEDULE_ENABLED, *matchers)} * on (source) group_left (path) {path}"


def missed() -> str:
    """Missed ticks of the job types that missed the most in the range."""
    return busiest(JOB, by_job(SCHEDULE_MISSED), by_job_over_time("max_over_time", SCHEDULE_MISSED))


def overdue() -> str:
    """How many schedules have missed a tick; 0 where there are no schedules, nothing where they can't be read."""
    return first_of(f"sum({by_job(SCHEDULE_MISSED)} > bool 0)", zero_if_read("schedules", "ticks"))


def _next_milliseconds(*matchers: str) -> str:
    return f"1000 * {by_job(SCHEDULE_NEXT, *matchers)}"
