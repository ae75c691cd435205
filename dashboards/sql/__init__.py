"""What is asked of PostgreSQL: one statement a file, over the view ``system_status.recent_jobs`` alone."""

from importlib import resources

RECENT_JOBS = "recent_jobs"
RECENT_JOBS_OF_TYPE = "recent_jobs_of_type"


def statement(name: str) -> str:
    """The text of a file here, with Grafana's variables in it."""
    return resources.files("dashboards.sql").joinpath(f"{name}.sql").read_text("utf-8")
