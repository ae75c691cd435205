"""The table of alerts that fire, for the corner of each dashboard."""

from dashboards.columns import RELATIVE_TIME, SOURCE, job
from dashboards.house import Tile
from dashboards.panels.looks import IN_PROGRESS, SOON, WRONG, words
from dashboards.panels.table import Column, hidden, joined
from dashboards.promql import alerts

_SEVERITIES = words({"critical": ("Critical", WRONG), "warning": ("Warning", SOON), "info": ("Info", IN_PROGRESS)})


def firing(*matchers: str, about: Column | None = None) -> Tile:
    """Those that *matchers* choose, and what each is *about*: its job type if nothing else is said."""
    return joined(
        "Firing alerts",
        "What Prometheus' rules say is wrong now. Each alert has a runbook of its name.",
        rows=alerts.firing(*matchers),
        columns=[
            Column("Severity", "severity", width=82, words=_SEVERITIES),
            Column("Alert", "alertname", min_width=210),
            about or job(),
            SOURCE,
            Column("Since", query=alerts.since(*matchers), width=132, unit=RELATIVE_TIME),
            *hidden("source"),
        ],
        sort=["Severity", "Alert"],
        empty="No alerts fire.",
    )
