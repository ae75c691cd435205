"""One dashboard a file, each of which reads like its table of contents."""

from dashboards.boards.health import health
from dashboards.boards.job import job
from dashboards.boards.jobs import background_jobs
from dashboards.boards.metrics import metrics
from dashboards.boards.workers import workers
from dashboards.house import Board


def boards() -> list[Board]:
    """All dashboards, in the order of the bar of links."""
    return [background_jobs(), workers(), metrics(), job(), health()]
