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

DISABLED, INVALID, OVERDUE, NEVER, DUE, DISABLED_LATELY = -1, -2, -3, -4, -5, -6
"""What stands for a next run that is no time."""
NO_TIME = -1
NO_JOBS = -1
_WELL = 3
"""Where schedules stand that are in no trouble."""
_BEFORE = ("1h", "1d", "7d")
"""Whether a schedule was enabled lately is looked up at these moments: all between them would be a million samples."""
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
        f"0 * ({_disabled_lately(*matchers)}) + {DISABLED_LATELY}",
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


def trouble(*matchers: str) -> str:
    """Where each schedule stands, the worst first: overdue, can't be parsed, disabled lately, well.

    What has been disabled for long is meant so; what was disabled a moment ago may be a mistake.
    """
    return first_of(
        f"0 * ({by_job(SCHEDULE_MISSED, *matchers)} > 0)",
        f"0 * ({by_job(SCHEDULE_VALID, *matchers)} == 0) + 1",
        f"0 * ({_disabled_lately(*matchers)}) + 2",
        f"0 * {by_job(SCHEDULE_ENABLED, *matchers)} + {_WELL}",
    )


def in_trouble() -> str:
    """How many schedules are in trouble; 0 where none is known to be, nothing where that can't be known."""
    return first_of(f"count(({trouble()}) < {_WELL})", zero_if_read("schedules", "ticks"))


def _disabled_lately(*matchers: str) -> str:
    """0 for the schedules that are disabled, and were enabled at one of some moments of the last seven days."""
    enabled = series(SCHEDULE_ENABLED, *matchers)
    before = first_of(*(by(JOB, f"({enabled} offset {moment} == 1)") for moment in _BEFORE))
    return f"({by_job(SCHEDULE_ENABLED, *matchers)} == 0) and on (source, job_type) ({before})"
