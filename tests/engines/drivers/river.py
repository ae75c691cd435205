"""River: its tables, with SQL that does what its Go client does."""

from jobqueue.states import JobState
from tests.engines.drivers.in_sql import installer, opener

driver = opener(
    "river",
    {
        JobState.PENDING: "available",
        JobState.SCHEDULED: "scheduled",
        JobState.ACTIVE: "running",
        JobState.RETRY: "retryable",
        JobState.COMPLETED: "completed",
        JobState.FAILED: "discarded",
        JobState.CANCELLED: "cancelled",
    },
)
install = installer("river", "schema.sql")
