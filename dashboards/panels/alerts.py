"""The table of alerts that fire, for the corner of each dashboard."""

from dashboards import navigation
from dashboards.columns import RELATIVE_TIME
from dashboards.house import Tile
from dashboards.panels.looks import IN_PROGRESS, PLAIN, SOON, WRONG, words
from dashboards.panels.table import Column, hidden, joined
from dashboards.promql import alerts

_SEVERITIES = words({0: ("Critical", WRONG), 1: ("Warning", SOON), 2: ("Info", IN_PROGRESS), 3: ("Other", PLAIN)})
_BOARDS = {
    "job_type": f"{navigation.JOB}?var-job_type=$1",
    "worker": f"{navigation.WORKERS}?",
    "collector": f"{navigation.HEALTH}?",
}


def firing(count: str, *matchers: str) -> Tile:
    """Those that *matchers* choose, the gravest first, and what each is about; the variable *count* has their number.

    A table that must be scrolled would otherwise not say so.
    """
    return joined(
        f"Firing alerts: ${count}",
        "What Prometheus' rules say is wrong now, the gravest first. What Alertmanager silences or inhibits is among "
        "them, for Prometheus doesn't know of that. Each alert has a runbook of its name.",
        rows=alerts.firing(*matchers, boards=_BOARDS, otherwise=f"{navigation.JOBS}?"),
        columns=[
            Column("Severity", "Value #A", width=76, words=_SEVERITIES),
            Column("Alert", "alertname", min_width=150),
            Column("About", "about", min_width=90, links=[navigation.to_board()]),
            Column("Source", "Source", width=70),
            Column("Since", query=alerts.since(*matchers), width=132, unit=RELATIVE_TIME),
            *hidden("source", "board"),
        ],
        left_out=["severity", *alerts.SUBJECTS],
        sort=["Severity", "Alert"],
        empty="No alerts fire, as far as Prometheus has our rules and the sources can be read.",
    )
