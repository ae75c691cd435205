"""Recurring jobs: what they are, when they run next, what was missed."""

from dashboards.promql.queue import jobs
from dashboards.promql.select import JOB, by, by_job, first_of, rows, series, zero_if_read
from jobqueue.catalogue import (
    CONTROL_ACTION_INFO,
    SCHEDULE_ENABLED,
    SCHEDULE_INFO,
    SCHEDULE_MISSED,
    SCHEDULE_NEXT,
    SCHEDULE_VALID,
)

DISABLED, INVALID, OVERDUE, NEVER, DUE = -1, -2, -3, -4, -5
"""What stands for a next run that is no time."""
NO_TIME = -1
NO_JOBS = -1
_UTC = '"UTC|"'
"""Or none: the engine has no timezones."""


def schedules(*matchers: str) -> str:
    """One row per schedule, with its texts; beside the cron expression stands its timezone unless that is UTC."""
    elsewhere = series(SCHEDULE_INFO, f"timezone!~{_UTC}", *matchers)
    texts = first_of(
        f'label_join({elsewhere}, "cron", " ", "cron", "timezone")',
        series(SCHEDULE_INFO, f"timezone=~{_UTC}", *matchers),
    )
    return rows(JOB, f"({texts})", "description", "schedule", "cron")


def priority(*matchers: str) -> str:
    """10 for High, 0 for Normal, -10 for Low, which sorts as people mean it."""
    high = series(SCHEDULE_INFO, 'priority="High"', *matchers)
    low = series(SCHEDULE_INFO, 'priority="Low"', *matchers)
    return first_of(
        by(JOB, f"10 * {high}"), by(JOB, f"-10 * {low}"), by(JOB, f"0 * {series(SCHEDULE_INFO, *matchers)}")
    )


def next_run(*matchers: str) -> str:
    """When it runs next, in milliseconds; or why that can't be said, or that a tick is overdue.

    What is read and scraped now and then says of a schedule of every minute mostly a moment that has just passed.
    """
    return first_of(
        f"({by_job(SCHEDULE_ENABLED, *matchers)} == 0) + {DISABLED}",
        f"({by_job(SCHEDULE_VALID, *matchers)} == 0) + {INVALID}",
        f"0 * ({by_job(SCHEDULE_MISSED, *matchers)} > 0) + {OVERDUE}",
        f"1000 * ({by_job(SCHEDULE_NEXT, *matchers)} > time())",
        f"0 * {by_job(SCHEDULE_NEXT, *matchers)} + {DUE}",
        f"0 * {by_job(SCHEDULE_ENABLED, *matchers)} + {NEVER}",
    )


def next_run_at(*matchers: str) -> str:
    """When it runs next, in milliseconds, also while a tick is overdue."""
    time = f"1000 * {by_job(SCHEDULE_NEXT, *matchers)}"
    return first_of(time, f"0 * {by_job(SCHEDULE_ENABLED, *matchers)} + {NO_TIME}")


def pending(*matchers: str) -> str:
    """Jobs of each schedule that wait for a worker; some engines' schedules have no jobs of that name."""
    waiting = f"({jobs('pending', *matchers)} and on (source, job_type) {by_job(SCHEDULE_INFO, *matchers)})"
    return first_of(waiting, f"0 * {by_job(SCHEDULE_ENABLED, *matchers)} + {NO_JOBS}")


def run_now(*matchers: str) -> str:
    """One row per schedule whose source has a control API, with the path that runs it: else there is no button.

    While the control API's base path changes replica by replica, a source has two paths.
    """
    paths = by(("source", "path"), series(CONTROL_ACTION_INFO, 'action="run"'))
    path = f"topk by (source) (1, {paths})"
    return f"{by_job(SCHEDULE_ENABLED, *matchers)} * on (source) group_left (path) {path}"


def missed(*matchers: str) -> str:
    """Missed ticks of each schedule."""
    return by_job(SCHEDULE_MISSED, *matchers)


def overdue() -> str:
    """How many schedules have missed a tick; 0 where there are no schedules, nothing where they can't be read."""
    return first_of(f"sum({by_job(SCHEDULE_MISSED)} > bool 0)", zero_if_read("schedules", "ticks"))
