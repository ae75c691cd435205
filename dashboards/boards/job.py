"""Job: one job type in depth, where every table's Job cell leads."""

from dataclasses import replace

from dashboards import columns, navigation, sql, variables
from dashboards.boards.jobs import scheduled_jobs
from dashboards.columns import RECENT_TIME, SOURCE, SUCCESS_STEPS
from dashboards.house import Board, Row, Tile
from dashboards.panels import trouble
from dashboards.panels.alerts import firing
from dashboards.panels.cards import Card, cards
from dashboards.panels.chart import CLOCK, COUNT, SECONDS, Style, chart
from dashboards.panels.looks import ABOVE, GOOD, IN_PROGRESS, PLAIN, QUIET, SOON, WRONG, steps
from dashboards.panels.table import Column, selected
from dashboards.promql import queue, runs
from dashboards.promql.select import THIS_JOB
from jobqueue.catalogue import DAY_MAX, DAY_P50, DAY_P95, RUN_DURATION, RUN_WAIT, Metric

_NO_RUNS = "No runs in this time range"


def job() -> Board:
    """The dashboard of one job type."""
    return Board(
        uid=navigation.JOB,
        title="System Status: Job",
        description="One job type in depth: what it is, how it does, what it did lately.",
        time_from="now-24h",
        variables=variables.OF_JOB,
        links=navigation.bar(navigation.JOB),
        rows=[
            trouble.line(),
            Row(6, [last_day(), firing("firing_of_job", THIS_JOB)], widths=[14, 10]),
            Row(4, [schedule()]),
            Row(9, [outcomes(), durations("Run duration", "From start to end.", RUN_DURATION)]),
            Row(9, [backlog(), durations("Wait for a worker", "From the moment it is due until it starts.", RUN_WAIT)]),
            Row(8, [ages()]),
            Row(11, [recent_runs()]),
        ],
    )


def last_day() -> Tile:
    """The row of the 24-hour table, large, and what it does now."""
    return cards(
        "Last 24 hours",
        "Completed and failed runs of the last 24 hours, whatever the time range; beside them what waits and runs now.",
        [
            Card("Runs", f"sum({runs.day_runs(THIS_JOB)})", steps(PLAIN)),
            Card("Failures", f"sum({runs.day_failures(THIS_JOB)})", steps(PLAIN, (1, WRONG))),
            Card(
                "Success",
                runs.day_total_success_rate(THIS_JOB),
                SUCCESS_STEPS,
                unit="percentunit",
                decimals=1,
            ),
            Card("p50", f"max({runs.day_duration(DAY_P50, THIS_JOB)})", steps(PLAIN), unit="s"),
            Card("p95", f"max({runs.day_duration(DAY_P95, THIS_JOB)})", steps(PLAIN), unit="s"),
            Card("Max", f"max({runs.day_duration(DAY_MAX, THIS_JOB)})", steps(PLAIN), unit="s"),
            Card("Pending", queue.total("pending", THIS_JOB), columns.PENDING_STEPS),
            Card("Running", queue.total("active", THIS_JOB), steps(QUIET, (1, IN_PROGRESS))),
        ],
    )


def schedule() -> Tile:
    """Its row of the scheduled jobs, button included."""
    tile = scheduled_jobs(THIS_JOB)
    asks = navigation.to_page_that_asks(
        "${control}/${__data.fields.source}/run?job_type=${__data.fields.job_type:percentencode}"
    )
    return replace(
        tile,
        overrides=[*tile.overrides, Column("Description", wrap=True, links=[asks]).override()],
        title="Schedule",
        description="When it runs by itself. **overdue**: a tick has passed and no job was queued for it.",
        defaults=tile.defaults | {"noValue": trouble.unless_unread("On demand: no schedule runs this job type")},
    )


def outcomes() -> Tile:
    """How its runs ended."""
    completed, failed = runs.finished(THIS_JOB)
    return chart(
        "Runs",
        "Runs that ended, by how they ended.",
        {"Completed$of": completed, "Failed$of": failed},
        COUNT,
        Style.BARS,
        empty=trouble.unless_unread(_NO_RUNS),
        colors={"Completed": GOOD, "Failed": WRONG},
        minimum_step="2m",
    )


def durations(title: str, description: str, histogram: Metric) -> Tile:
    """Half of the runs, and 95 of 100, took at most so long."""
    return chart(
        title,
        f"{description} Median and 95th percentile, hour by hour, from histograms with power-of-two buckets.",
        {
            "p95$of": runs.quantile(0.95, histogram, THIS_JOB),
            "p50$of": runs.quantile(0.5, histogram, THIS_JOB),
        },
        SECONDS,
        Style.THIN,
        empty=trouble.unless_unread(_NO_RUNS),
        colors={"p95": ABOVE, "p50": IN_PROGRESS},
        minimum_step="2m",
    )


def backlog() -> Tile:
    """What waits and runs."""
    return chart(
        "Backlog",
        "Its jobs that are due and wait, that wait for another try, and that run.",
        {
            "Pending$of": queue.jobs("pending", THIS_JOB),
            "Retry$of": queue.jobs("retry", THIS_JOB),
            "Active$of": queue.jobs("active", THIS_JOB),
        },
        COUNT,
        Style.AREAS,
        empty=trouble.unless_unread("Nothing in this time range"),
        colors={"Pending": QUIET, "Retry": SOON, "Active": IN_PROGRESS},
    )


def ages() -> Tile:
    """Since when it waits, and runs."""
    return chart(
        "Oldest",
        "For how long the oldest due job has waited for a worker, and the longest-running one has run.",
        {"Waiting$of": queue.age(THIS_JOB), "Running$of": queue.running_for(THIS_JOB)},
        CLOCK,
        Style.LINES,
        empty=trouble.unless_unread("Nothing in this time range"),
        colors={"Waiting": SOON, "Running": IN_PROGRESS},
    )


def recent_runs() -> Tile:
    """Its newest jobs, with all that is known of them."""
    return selected(
        "Recent jobs of this type",
        "Its newest jobs, 50 at most, among the newest 1,000 of each source.",
        sql.statement(sql.RECENT_JOBS_OF_TYPE),
        columns=[
            SOURCE,
            Column("ID", min_width=90),
            columns.state(),
            Column("Created", unit=RECENT_TIME),
            Column("Started", unit=RECENT_TIME),
            Column("Completed", unit=RECENT_TIME),
            Column("Took", unit="s", align="right", width=110),
            columns.count("Retries", None, steps(QUIET, (1, SOON)), width=90),
            Column("Worker", min_width=150),
        ],
        empty=trouble.unless_unread("None among the newest 1,000 jobs"),
    )
