"""What is wrong with an installation, and what mends it; ``docs/checks.md`` explains the code of each finding."""

from jobqueue.check.finding import Code, Finding, Level, Report
from jobqueue.check.roles import Roles
from jobqueue.check.source import look_at_source
from jobqueue.check.words import SeveralDatabasesError, as_json, fix_sql, lines

__all__ = [
    "Code",
    "Finding",
    "Level",
    "Report",
    "Roles",
    "SeveralDatabasesError",
    "as_json",
    "fix_sql",
    "lines",
    "look_at_source",
]
