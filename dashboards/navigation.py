"""The dashboards by their uid, the bar of links that makes them look like tabs, and the way to one job type."""

from dashboards.house import Json, leaves_grafana, link

JOBS, WORKERS, METRICS = "system-status-jobs", "system-status-workers", "system-status-metrics"
JOB, HEALTH = "system-status-job", "system-status-health"
TABBED = "system-status"
"""The dashboard with real tabs, for Grafana 13 and later."""

TITLES = {JOBS: "Background Jobs", WORKERS: "Workers", METRICS: "Metrics (24h)", JOB: "Job", HEALTH: "Health"}
TABS = (JOBS, WORKERS, METRICS)

_KEPT = "${prometheus:queryparam}&${postgres:queryparam}&${__url_time_range}"
"""What is chosen stays chosen: a link of a cell takes nothing along by itself."""


def bar(current: str) -> list[Json]:
    """Links to all dashboards in a fixed order, the *current* one marked. Each has its own time range."""
    return [
        link(f"● {title}" if uid == current else title, f"/d/{uid}", f"System Status: {title}")
        for uid, title in TITLES.items()
    ]


def to_job(source: str = "source", job_type: str = "job_type") -> Json:
    """From a row to its job type in depth, over the same time; named are the fields that hold source and job type.

    Grafana decodes the addresses of links: a job type with ``&``, ``#``, ``+`` or ``%`` in its name is not found.
    """
    fields = f"var-source=${{__data.fields.{source}}}&var-job_type=${{__data.fields.{job_type}}}"
    return _data_link("This job type in depth", f"/d/{JOB}?{fields}&{_KEPT}")


def to_board() -> Json:
    """From a row to the dashboard that its field ``board`` names, as a uid and the beginning of a query."""
    return _data_link("Look into it", f"/d/${{__data.fields.board}}&var-source=${{__data.fields.source}}&{_KEPT}")


def to_page_that_asks(address: str) -> Json:
    """From a row to the control API's page, for whom Grafana shows no buttons."""
    return _data_link("Ask there", address)


def _data_link(title: str, url: str) -> Json:
    return {"title": title, "url": url, "targetBlank": leaves_grafana(url)}
