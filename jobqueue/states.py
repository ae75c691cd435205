"""The seven states of a job, the same words for every engine."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands; an engine's own words are mapped to these in its SQL."""

    PENDING = "pending"
    """Due, waiting for a worker."""
    SCHEDULED = "scheduled"
    """Not due yet."""
    ACTIVE = "active"
    RETRY = "retry"
    """Failed before, waiting to be tried again."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (JobState.PENDING, JobState.SCHEDULED, JobState.ACTIVE, JobState.RETRY)
TERMINAL = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)
