"""Recurring jobs: when they are due, how people say it, and which ticks didn't get their job."""

from jobqueue.schedules.cron import Cron, parse
from jobqueue.schedules.expiry import described
from jobqueue.schedules.fields import InvalidSchedule
from jobqueue.schedules.phrases import UNPARSABLE, phrase
from jobqueue.schedules.success import Ends, Unsuccessful
from jobqueue.schedules.ticks import MISSED_TICKS_LIMIT, missed_ticks
from jobqueue.schedules.timetable import Schedule, Standing, Timetable

__all__ = [
    "MISSED_TICKS_LIMIT",
    "UNPARSABLE",
    "Cron",
    "Ends",
    "InvalidSchedule",
    "Schedule",
    "Standing",
    "Timetable",
    "Unsuccessful",
    "described",
    "missed_ticks",
    "parse",
    "phrase",
]
