"""The buttons of table cells. Grafana asks before it sends; the control API decides who may.

Grafana has nothing that is new for each press: its time range stays the same while a dashboard is paused. So a button
sends its own name, and the control API tells a double click from a later press by its clock.
"""

from dashboards.house import Json

_DESTRUCTIVE = "#d10e5c"
"""Of Grafana's own destructive buttons; the name of a colour would be none for a button."""


def run_now() -> Json:
    """Runs the row's job type. Its name travels in the body: Grafana decodes what is escaped in a path."""
    job_type = "${__data.fields.job_type:percentencode}"
    return _button(
        "Run now",
        "Queue one run of ${__data.fields.job_type} on ${__data.fields.source} now?",
        f"job_type={job_type}&button=run-{job_type}",
    )


def clean_up(*, destructive: bool) -> Json:
    """Does the row's clean-up; caption and question come from the row, so that every row has its own."""
    return _button(
        "${__data.fields.title}",
        "${__data.fields.title} on ${__data.fields.source}? ${__data.fields.description} ${__data.fields.concerned}",
        "button=${__data.fields.action}",
    ) | ({"style": {"backgroundColor": _DESTRUCTIVE}} if destructive else {})


def _button(title: str, question: str, body: str) -> Json:
    return {
        "type": "fetch",
        "title": title,
        "oneClick": False,
        "confirmation": question,
        "fetch": {
            "method": "POST",
            "url": "${__data.fields.path}",
            "queryParams": [],
            "headers": [["Content-Type", "application/x-www-form-urlencoded"], ["Accept", "application/json"]],
            "body": body,
        },
    }
