"""Metrics (24h): how each job type has done."""

from dashboards import columns, navigation, variables
from dashboards.columns import COUNT_STEPS, FAILURE_STEPS, RELATIVE_TIME, SOURCE, SUCCESS_STEPS
from dashboards.house import Board, Row, Tile
from dashboards.panels import trouble
from dashboards.panels.alerts import firing
from dashboards.panels.cards import Card, cards
from dashboards.panels.chart import SECONDS, Axis, Style, chart
from dashboards.panels.looks import NONE, PLAIN, QUIET, WRONG, steps, words
from dashboards.panels.table import Column, hidden, joined
from dashboards.promql import alerts, runs
from dashboards.promql.select import by_job
from jobqueue.catalogue import DAY_MAX, DAY_P50, DAY_P95, RUN_DURATION, RUN_WAIT

_SERIES = "{{job_type}}$of"
_STEP = "5m"
"""Between two figures: close ones read each sample often to say the same, rare ones make a new installation wait."""


def metrics() -> Board:
    """The third tab."""
    return Board(
        uid=navigation.METRICS,
        title="System Status: Metrics (24h)",
        description="How each job type has done over the last 24 hours.",
        time_from="now-24h",
        variables=variables.OF_METRICS,
        links=navigation.bar(navigation.METRICS),
        rows=[
            trouble.line(),
            Row(6, [in_short(), firing("firing_of_runs", alerts.OF_RUNS)], widths=[14, 10]),
            Row(25, [performance()]),
            Row(9, [failure_ratio(), throughput()]),
            Row(9, [run_duration(), wait()]),
        ],
    )


def in_short() -> Tile:
    """All job types together."""
    return cards(
        "Last 24 hours",
        "Completed and failed runs of all job types together, whatever the time range. Slowest p95: of the job type "
        "that takes the longest.",
        [
            Card("Runs", f"sum({runs.day_runs()})", steps(PLAIN)),
            Card("Failures", f"sum({runs.day_failures()})", steps(PLAIN, (1, WRONG))),
            Card("Success rate", runs.day_total_success_rate(), SUCCESS_STEPS, unit="percentunit", decimals=1),
            Card("Types with failures", runs.failing_job_types(), steps(PLAIN)),
            Card("Slowest p95", f"max({by_job(DAY_P95)})", steps(PLAIN), unit="s"),
        ],
    )


def performance() -> Tile:
    """The page's table; the worst first."""
    return joined(
        "Performance by job type, last 24 hours",
        "Completed and failed runs of the last 24 hours, whatever the time range. Success is rounded down: 100 % means "
        "that every run succeeded.",
        rows=runs.job_types(),
        columns=[
            columns.job(width=280),
            SOURCE,
            columns.count("Runs", None, COUNT_STEPS, field="Value #A"),
            columns.count("Failures", runs.day_failures(), FAILURE_STEPS),
            Column(
                "Success Rate",
                query=runs.day_success_rate(),
                min_width=100,
                align="right",
                unit="percentunit",
                decimals=1,
                words=words({runs.NO_RATIO: NONE}),
                steps=SUCCESS_STEPS,
            ),
            columns.duration("p50", runs.day_duration(DAY_P50), runs.NO_DURATION),
            columns.duration("p95", runs.day_duration(DAY_P95), runs.NO_DURATION),
            columns.duration("Max", runs.day_duration(DAY_MAX), runs.NO_DURATION),
            Column(
                "Last Run", query=runs.last_run(), width=150, unit=RELATIVE_TIME, words=words({0: ("never", QUIET)})
            ),
            *hidden("source"),
        ],
        sort=["Success Rate", "Job"],
        empty=trouble.unless_unread("No job types yet"),
    )


def failure_ratio() -> Tile:
    """Who fails, and since when."""
    return chart(
        "Failure ratio",
        "Failed runs over all runs, hour by hour; the six job types with the most failures of the last 24 hours.",
        {_SERIES: runs.failure_ratio('job_type=~"$failing"')},
        Axis("percentunit"),
        Style.LINES,
        empty=trouble.unless_unread("No failures were seen in this time range"),
        minimum_step=_STEP,
    )


def throughput() -> Tile:
    """How much is done."""
    return chart(
        "Throughput",
        "Finished runs per minute; the six busiest job types of the last 24 hours.",
        {_SERIES: runs.throughput('job_type=~"$busiest"')},
        Axis("suffix:/min"),
        Style.AREAS,
        empty=trouble.unless_unread("No runs in this time range"),
        minimum_step=_STEP,
    )


def run_duration() -> Tile:
    """Who is slow."""
    return chart(
        "Run duration, p95",
        "From histograms with power-of-two buckets, hour by hour; the six slowest job types of the last 24 hours.",
        {_SERIES: runs.quantile(0.95, RUN_DURATION, 'job_type=~"$slowest"')},
        SECONDS,
        Style.THIN,
        empty=trouble.unless_unread("No runs in this time range"),
        minimum_step=_STEP,
    )


def wait() -> Tile:
    """Who waits for workers."""
    return chart(
        "Wait for a worker, p95",
        "From the moment a job is due until it starts, hour by hour; the six job types that waited the longest in "
        "the last hour.",
        {_SERIES: runs.quantile(0.95, RUN_WAIT, 'job_type=~"$waiting"')},
        SECONDS,
        Style.THIN,
        empty=trouble.unless_unread("No runs in this time range"),
        minimum_step=_STEP,
    )
