"""Oban: its tables, as Elixir's and as Python's migrations make them, with SQL that does what its workers do."""

from jobqueue.states import JobState
from tests.engines.drivers.in_sql import installer, opener

_WORDS = {
    JobState.PENDING: "available",
    JobState.SCHEDULED: "scheduled",
    JobState.ACTIVE: "executing",
    JobState.RETRY: "retryable",
    JobState.COMPLETED: "completed",
    JobState.FAILED: "discarded",
    JobState.CANCELLED: "cancelled",
}

driver = opener("oban", _WORDS)
driver_python = opener("oban", _WORDS, beats=True)
install = installer("oban", "schema.sql")
install_python = installer("oban", "schema.sql", "python.sql")
