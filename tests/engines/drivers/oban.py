"""Oban: its tables, as Elixir's migrations make them, with SQL that does what its workers do."""

from jobqueue.states import JobState
from tests.engines.drivers.in_sql import installer, opener

WORDS = {
    JobState.PENDING: "available",
    JobState.SCHEDULED: "scheduled",
    JobState.ACTIVE: "executing",
    JobState.RETRY: "retryable",
    JobState.COMPLETED: "completed",
    JobState.FAILED: "discarded",
    JobState.CANCELLED: "cancelled",
}

driver = opener("oban", WORDS)
install = installer("oban", "schema.sql")
