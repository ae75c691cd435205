"""Where each schedule of a source stands, poll after poll."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from jobqueue.rows import ScheduleRow
from jobqueue.schedules.cron import Cron, parse
from jobqueue.schedules.expiry import described
from jobqueue.schedules.expression import InvalidSchedule
from jobqueue.schedules.phrases import UNPARSABLE, phrase
from jobqueue.schedules.ticks import MissedTicks

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring job as it stands at one moment.

    ``next_run``, ``expected_run`` and ``missed_ticks`` are None, None and 0 for one that is disabled or invalid.
    """

    job_type: str
    valid: bool
    """Whether its expression and timezone can be read."""
    enabled: bool
    phrase: str
    """Friendly text, the expression where no phrase fits, or ``UNPARSABLE``."""
    description: str
    """With the expiry note."""
    cron: str
    timezone: str
    priority: str
    """High, Normal or Low."""
    next_run: datetime | None
    """None also when it will never run again."""
    expected_run: datetime | None
    """The newest tick that is past."""
    last_enqueued_at: datetime | None
    missed_ticks: int
