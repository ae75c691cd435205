"""Laid beside the System Status page: every table, column, card and button, in its words."""

from typing import Any

import pytest

from tests.dashboards.dashboards import CLASSIC, columns, panel

JOBS, WORKERS, METRICS = "system-status-jobs", "system-status-workers", "system-status-metrics"

SCHEDULED = {
    "Job": ["Job"],
    "Description": ["Description"],
    "Schedule": ["Schedule", "Cron"],
    "Priority": ["Priority"],
    "Next Run": ["Next Run", "Next Run At"],
    "Pending": ["Pending"],
    "Actions": ["Actions"],
}
RECENT = {name: [name] for name in ("Job", "State", "Created", "Completed", "Retries")}
STATUS = {
    "Worker": ["Worker", "Hostname", "PID"],
    "Mode": ["Mode"],
    "Version": ["Version"],
    "Status": ["Status"],
    "Uptime": ["Uptime"],
    "Processed": ["Processed"],
    "Failed": ["Failed"],
    "Now Running": ["Now Running", "Elapsed"],
    "Last Seen": ["Last Seen"],
}
PERFORMANCE = {
    "Job": ["Job"],
    "Runs": ["Runs", "Failures"],
    "Success Rate": ["Success Rate"],
    "p50 duration": ["p50"],
    "p95 duration": ["p95"],
    "Max": ["Max"],
    "Last Run": ["Last Run"],
}
MANAGEMENT = {"Button": ["Action"], "What it does": ["What it does", "Its page"]}
TABLES = [
    (JOBS, "Scheduled Jobs", SCHEDULED),
    (JOBS, "Job Management", MANAGEMENT),
    (JOBS, "Job Management: destructive", MANAGEMENT),
    (JOBS, "Recent Job History", RECENT),
    (WORKERS, "Worker Status", STATUS),
    (METRICS, "Performance by job type, last 24 hours", PERFORMANCE),
]


@pytest.mark.parametrize(
    ("uid", "title", "column", "shown"),
    [(uid, title, column, shown) for uid, title, table in TABLES for column, shown in table.items()],
)
def test_a_column_of_the_page_is_there(uid: str, title: str, column: str, shown: list[str]) -> None:
    assert set(shown) <= set(columns(panel(uid, title))), column


@pytest.mark.parametrize(("uid", "title", "table"), TABLES, ids=[title for _, title, _ in TABLES])
def test_a_table_has_nothing_else_but_its_source(uid: str, title: str, table: dict[str, list[str]]) -> None:
    wanted = [name for names in table.values() for name in names]

    assert sorted(columns(panel(uid, title))) == sorted([*wanted, "Source"])


@pytest.mark.parametrize(("uid", "title", "table"), TABLES, ids=[title for _, title, _ in TABLES])
def test_every_override_and_every_order_is_of_a_column_that_exists(
    uid: str, title: str, table: dict[str, list[str]]
) -> None:
    shown = panel(uid, title)
    overridden = {
        override["matcher"]["options"]
        for override in shown["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
        and not any(prop["id"] == "custom.hidden" for prop in override["properties"])
    }

    assert overridden <= set(columns(shown))
    assert {order["displayName"] for order in shown["options"]["sortBy"]} <= set(columns(shown))


def test_the_five_cards_stand_across_the_top_of_workers() -> None:
    cards = next(shown for shown in CLASSIC[WORKERS]["panels"] if shown["title"])

    assert [target["legendFormat"] for target in cards["targets"]] == [
        "Active",
        "Pending",
        "Completed",
        "Failed",
        "Retry",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("completed", "Completed"),
        ("failed", "Failed"),
        ("active", "Running"),
        ("retry", "Retry"),
        ("pending", "Pending"),
    ],
)
def test_a_state_is_said_in_the_pages_word(value: str, text: str) -> None:
    (mapping,) = _property(JOBS, "Recent Job History", "State", "mappings")

    assert mapping["options"][value]["text"] == text


def test_the_success_rate_has_the_pages_three_colours() -> None:
    steps = _property(METRICS, "Performance by job type, last 24 hours", "Success Rate", "thresholds")["steps"]

    assert [(step["value"], step["color"]) for step in steps] == [(None, "red"), (0.9, "text"), (0.99, "green")]


@pytest.mark.parametrize(
    ("uid", "title", "column"),
    [
        (JOBS, "Scheduled Jobs", "Actions"),
        (JOBS, "Job Management", "Action"),
        (JOBS, "Job Management: destructive", "Action"),
        ("system-status-job", "Schedule", "Actions"),
    ],
)
def test_a_button_asks_first_and_sends_a_form_to_the_path_of_its_row(uid: str, title: str, column: str) -> None:
    (action,) = _property(uid, title, column, "actions")

    assert action["confirmation"].count("?") == 1
    assert action["oneClick"] is False
    assert (action["fetch"]["method"], action["fetch"]["url"]) == ("POST", "${__data.fields.path}")
    assert ["Content-Type", "application/x-www-form-urlencoded"] in action["fetch"]["headers"]
    assert "button=" in action["fetch"]["body"]


def test_what_a_button_sends_does_not_hang_on_the_time_range() -> None:
    bodies = [
        _property(uid, title, column, "actions")[0]["fetch"]["body"]
        for uid, title, column in [(JOBS, "Scheduled Jobs", "Actions"), (JOBS, "Job Management", "Action")]
    ]

    assert not [body for body in bodies if "__to" in body or "__from" in body]


@pytest.mark.parametrize(
    ("uid", "title"),
    [(JOBS, "Scheduled Jobs"), (JOBS, "Recent Job History"), (METRICS, "Performance by job type, last 24 hours")],
)
def test_every_job_cell_leads_to_its_job(uid: str, title: str) -> None:
    (link,) = _property(uid, title, "Job", "links")

    assert link["url"].startswith("/d/system-status-job?var-source=${__data.fields.source}&var-job_type=")
    assert link["url"].endswith("&${prometheus:queryparam}&${postgres:queryparam}&${__url_time_range}")
    assert link["targetBlank"] is False


@pytest.mark.parametrize("title", ["Job Management", "Job Management: destructive"])
def test_where_buttons_are_not_shown_a_link_leads_to_the_page_that_asks(title: str) -> None:
    (link,) = _property(JOBS, title, "Its page", "links")

    assert (link["url"], link["targetBlank"]) == ("${__data.fields.path}", True)
    assert _property(JOBS, title, "Its page", "custom.cellOptions") == {"type": "data-links"}


def test_destructive_buttons_have_a_colour_of_their_own() -> None:
    styles = {
        title: [action.get("style") for action in _property(JOBS, title, column, "actions")]
        for title, column in [
            ("Scheduled Jobs", "Actions"),
            ("Job Management", "Action"),
            ("Job Management: destructive", "Action"),
        ]
    }

    assert styles == {
        "Scheduled Jobs": [None],
        "Job Management": [None],
        "Job Management: destructive": [{"backgroundColor": "#d10e5c"}],
    }


def _property(uid: str, title: str, column: str, name: str) -> Any:
    values = [
        prop["value"]
        for override in panel(uid, title)["fieldConfig"]["overrides"]
        if override["matcher"] == {"id": "byName", "options": column}
        for prop in override["properties"]
        if prop["id"] == name
    ]
    (value,) = values
    return value
