"""Tables and cards over a real Prometheus: no gap, no row twice: two sources, two exporters, and an empty queue."""

import math
import re
from typing import Any

import pytest

from dashboards.promql import alerts
from tests.dashboards.dashboards import panel, panels
from tests.dashboards.exposition import EMPTY, FULL, MUTE
from tests.dashboards.filled import Filled, Rows

JOB, WORKER, ACTION = ("source", "job_type"), ("source", "worker"), ("source", "action")
TABLES = [
    ("system-status-jobs", "Scheduled Jobs", JOB, 8),
    ("system-status-workers", "Worker Status", WORKER, 4),
    ("system-status-metrics", "Performance by job type, last 24 hours", JOB, 8),
    ("system-status-health", "Sources", ("source",), 1),
    ("system-status-health", "Collectors", ("source", "collector"), 6),
]
WITH_JOBS = ("daily", "minutely", "overdue", "disabled_lately", "broken", "never_ran")
JOINED = {name: shown for name, shown in panels() if shown["type"] == "table" and "expr" in shown["targets"][0]}
CARDS = {name: shown for name, shown in panels() if shown["type"] == "stat" and shown["title"]}


def expressions(uid: str, title: str) -> list[str]:
    return [target["expr"] for target in panel(uid, title)["targets"]]


def keys(rows: Rows, key: tuple[str, ...]) -> list[tuple[str, ...]]:
    return sorted(tuple(labels[name] for name in key) for labels, _ in rows)


@pytest.mark.parametrize(("uid", "title", "key", "per_source"), TABLES, ids=[title for _, title, _, _ in TABLES])
def test_every_cell_of_every_row_has_a_value_and_no_row_comes_twice(
    uid: str, title: str, key: tuple[str, ...], per_source: int, filled: Filled
) -> None:
    wanted = None
    for expression in expressions(uid, title):
        rows = filled.ask(expression, FULL)
        wanted = wanted or keys(rows, key)

        assert len(wanted) == per_source * len(FULL) == len(set(wanted))
        assert keys(rows, key) == wanted, expression
        assert not any(math.isnan(value) for _, value in rows)


MANAGEMENT = ("Job Management", "Job Management: destructive")


@pytest.mark.parametrize(("title", "name"), [*zip(MANAGEMENT, ("janitor", "fail-active"), strict=True)])
def test_the_buttons_have_a_row_each(title: str, name: str, filled: Filled) -> None:
    actions, concerned = (filled.ask(one, FULL) for one in expressions("system-status-jobs", title))

    assert keys(actions, ACTION) == sorted((source, name) for source in FULL)
    assert keys(concerned, ACTION) == keys(actions, ACTION)


def test_a_button_says_how_many_jobs_it_concerns_or_where_that_is_said(filled: Filled) -> None:
    asked = [
        row for title in MANAGEMENT for row in filled.ask(expressions("system-status-jobs", title)[1], (*FULL, MUTE))
    ]

    assert {labels["action"]: labels["concerned"] for labels, _ in asked} == {
        "fail-active": "Jobs concerned now: 0.",
        "janitor": "How many rows that concerns is said on its own page, beside this button.",
    }


def test_without_a_control_api_there_are_no_buttons(filled: Filled) -> None:
    run_now = expressions("system-status-jobs", "Scheduled Jobs")[-1]

    assert filled.ask(run_now, FULL)
    for expression in [run_now, *(one for title in MANAGEMENT for one in expressions("system-status-jobs", title))]:
        assert filled.ask(expression, (EMPTY,)) == []


def test_now_running_says_the_longest_run_idle_or_nothing(filled: Filled) -> None:
    (query,) = [one for one in expressions("system-status-workers", "Worker Status") if "current_run" in one]

    running = {labels["worker"]: (labels["job_type"], value) for labels, value in filled.ask(query, ("main",))}

    assert running == {"idle": ("idle", -1), "running": ("daily", 50), "gone": ("—", -1), "died_running": ("daily", 20)}


def test_next_run_says_why_there_is_none(filled: Filled) -> None:
    query = expressions("system-status-jobs", "Scheduled Jobs")[2]

    said = {labels["job_type"]: value for labels, value in filled.ask(query, ("main",))}

    next_tick = 1000 * (filled.moment + 600)
    assert said == {
        "daily": next_tick,
        "minutely": -5,
        "overdue": -3,
        "disabled": -1,
        "disabled_lately": -6,
        "broken": -2,
        "never_ran": -4,
        "without_jobs": -4,
    }


def test_a_schedule_whose_name_is_no_job_type_has_a_dash_for_its_jobs(filled: Filled) -> None:
    [query] = [one for one in expressions("system-status-jobs", "Scheduled Jobs") if 'state="pending"' in one]

    said = {labels["job_type"]: value for labels, value in filled.ask(query, ("main",))}

    assert said == dict.fromkeys((*WITH_JOBS, "disabled"), 7) | {"without_jobs": -1}


def test_beside_a_cron_expression_stands_its_timezone_unless_that_is_utc(filled: Filled) -> None:
    query = expressions("system-status-jobs", "Scheduled Jobs")[0]

    said = {labels["job_type"]: labels["cron"] for labels, _ in filled.ask(query, ("main",))}

    others = dict.fromkeys((*WITH_JOBS, "without_jobs"), "0 6 * * *")
    assert said == {"disabled": "0 6 * * * Europe/Berlin", **others}


@pytest.mark.parametrize("shown", JOINED.values(), ids=JOINED.keys())
def test_a_table_shows_each_column_once_and_no_label_that_is_none(shown: dict[str, Any], filled: Filled) -> None:
    organize = shown["transformations"][-1]["options"]
    asked = [filled.ask(target["expr"], FULL) for target in shown["targets"]]
    fields = {label for rows in asked for labels, _ in rows for label in labels} - organize["excludeByName"].keys()
    headers = [organize["renameByName"].get(field, field) for field in sorted(fields)]

    assert asked[0]
    assert fields <= organize["indexByName"].keys()
    assert len(set(headers)) == len(headers)


def test_each_alert_that_fires_is_one_row_that_says_what_it_is_about(filled: Filled) -> None:
    rows, since = (filled.ask(one, ("main",)) for one in expressions("system-status-jobs", "Firing alerts: $firing"))
    said = sorted((value, labels["alertname"], labels["about"], labels["board"]) for labels, value in rows)

    assert said == [
        (0, "JobQueueExporterDown", "—", "system-status-jobs?"),
        (0, "JobQueueReadyAgeHigh", "daily", "system-status-job?var-job_type=daily"),
        (1, "JobQueueCollectorFailing", "live", "system-status-health?"),
        (1, "JobQueueFailureRateHigh", "on_demand", "system-status-job?var-job_type=on_demand"),
        (1, "JobQueueReadyAgeHigh", "daily", "system-status-job?var-job_type=daily"),
        (1, "JobQueueVersionSkew", "—", "system-status-jobs?"),
        (1, "JobQueueWorkerOffline", "gone", "system-status-workers?"),
        (2, "JobQueueDestructiveAction", "cancel-pending", "system-status-jobs?"),
        (2, "JobQueueDestructiveAction", "fail-active", "system-status-jobs?"),
        (3, "JobQueueOfOurOwn", "daily gone", "system-status-workers?"),
    ]
    made = ("about", "board", "Source")
    keys = [{name: text for name, text in labels.items() if name not in made} for labels, _ in rows]
    assert sorted(keys, key=str) == sorted((labels for labels, _ in since), key=str)
    assert {value for _, value in since} == {1000 * (filled.moment - 600)}


def test_the_title_says_how_many_alerts_fire_also_when_none_does(filled: Filled) -> None:
    table = expressions("system-status-jobs", "Firing alerts: $firing")[0]

    for sources in (FULL, ("main",), ("nobody",)):
        assert filled.ask(alerts.count().replace("${source:pipe}", "$source"), sources) == [
            ({}, len(filled.ask(table, sources)))
        ]


def test_a_job_cards_success_rate_is_that_of_all_sources_together(filled: Filled) -> None:
    runs, failures, rate = expressions("system-status-job", "Last 24 hours")[:3]

    assert [filled.ask(one, FULL)[0][1] for one in (runs, failures, rate)] == [200, 2, 0.99]


@pytest.mark.parametrize("shown", CARDS.values(), ids=CARDS.keys())
@pytest.mark.parametrize("sources", [FULL, (EMPTY,), ("nobody",)], ids=["full", "empty", "nothing"])
def test_a_card_always_has_one_value(
    shown: dict[str, list[dict[str, str]]], sources: tuple[str], filled: Filled
) -> None:
    for target in shown["targets"]:
        ((labels, value),) = filled.ask(target["expr"], sources)

        assert labels == {}
        assert not math.isnan(value)


def test_an_empty_queue_has_zeros_and_what_nobody_knows_a_dash(filled: Filled) -> None:
    totals = expressions("system-status-workers", "Queue totals")

    assert [filled.ask(query, (EMPTY,))[0][1] for query in totals] == [0] * 5
    assert [filled.ask(query, ("nobody",))[0][1] for query in totals] == [-1] * 5


def test_what_an_engine_knows_nothing_of_is_a_dash_and_no_zero(filled: Filled) -> None:
    known = re.compile("jobqueue_schedule_missed_ticks|jobqueue_worker_online")
    cards = [query for query in expressions("system-status-jobs", "At a glance") if known.search(query)]

    assert [filled.ask(query, (EMPTY,))[0][1] for query in cards] == [0] * 3
    assert [filled.ask(query, (EMPTY, MUTE))[0][1] for query in cards] == [0] * 3
    assert [filled.ask(query, (MUTE,))[0][1] for query in cards] == [-1] * 3


def test_replicas_and_sources_add_up_once(filled: Filled) -> None:
    pending = expressions("system-status-workers", "Queue totals")[1]

    assert filled.ask(pending, FULL) == [({}, 2 * 8 * 7)]


def test_a_single_run_is_drawn_as_one_however_rare_scrapes_are() -> None:
    completed, failed = expressions("system-status-job", "Runs")

    for expression in (completed, failed):
        assert "increase(" not in expression
        assert "offset $__interval" in expression
