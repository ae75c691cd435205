"""Columns that several tables have."""

from dashboards.house import Json
from dashboards.navigation import to_job
from dashboards.panels.looks import GOOD, IN_PROGRESS, NONE, PLAIN, QUIET, SOON, WRONG, Word, steps, words
from dashboards.panels.table import Column

RELATIVE_TIME, EXACT_TIME, RECENT_TIME = "dateTimeFromNow", "dateTimeAsIso", "dateTimeAsIsoNoDateIfToday"

SOURCE = Column("Source", field="Source", width=90)

STATES: dict[int | str, Word] = {
    "completed": ("Completed", GOOD),
    "failed": ("Failed", WRONG),
    "active": ("Running", IN_PROGRESS),
    "retry": ("Retry", SOON),
    "pending": ("Pending", PLAIN),
    "scheduled": ("Scheduled", QUIET),
    "cancelled": ("Cancelled", QUIET),
}

SUCCESS_STEPS = steps(WRONG, (0.9, PLAIN), (0.99, GOOD))
"""Of the page: green at 99 %+, neutral at 90 %+, red below."""
PENDING_STEPS = steps(QUIET, (1, PLAIN), (10, SOON), (50, WRONG))
"""Of one job type."""
FAILURE_STEPS = steps(QUIET, (1, WRONG))
COUNT_STEPS = steps(QUIET, (1, PLAIN))


def job(width: int | None = None) -> Column:
    """The job type, which leads to its own dashboard."""
    return Column("Job", field="job_type", width=width, links=[to_job()])


def count(
    header: str,
    query: str | None,
    colors: Json,
    *,
    field: str | None = None,
    width: int | None = None,
    none: int | None = None,
) -> Column:
    """A number of things; *none* stands for a dash."""
    narrow = None if width else 100
    dash = [] if none is None else words({none: NONE})
    return Column(
        header, field, query, align="right", unit="locale", steps=colors, words=dash, width=width, min_width=narrow
    )


def duration(header: str, query: str, none: int) -> Column:
    """Seconds, in whatever unit reads best; *none* stands for a dash."""
    return Column(header, query=query, align="right", unit="s", words=words({none: NONE}), min_width=100)


def state() -> Column:
    """A job's state in the page's words."""
    return Column("State", words=words(STATES), width=130)
