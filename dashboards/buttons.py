"""The buttons of table cells. Grafana asks before it sends; the control API decides who may."""

from dashboards.house import Json

# ${__to} changes with every refresh: a double click is one request, a press after the next refresh another.
_REQUEST = "${__data.fields.source}-${__to}"


def run_now() -> Json:
    """Runs the row's job type. Its name travels in the body: Grafana decodes what is escaped in a path."""
    job_type = "${__data.fields.job_type:percentencode}"
    return _button(
        "Run now",
        "Queue one run of ${__data.fields.job_type} on ${__data.fields.source} now?",
        f"job_type={job_type}&request_id=run-{job_type}-{_REQUEST}",
    )


def clean_up() -> Json:
    """Does the row's clean-up; caption and question come from the row, so that every row has its own."""
    return _button(
        "${__data.fields.title}",
        "${__data.fields.title} on ${__data.fields.source}? ${__data.fields.description} "
        "Jobs concerned now: ${__data.fields.jobs}",
        f"request_id=${{__data.fields.action}}-{_REQUEST}",
    )


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
