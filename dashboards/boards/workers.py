"""Workers: which are alive, and what they do."""

from dashboards import columns, navigation, variables
from dashboards.columns import FAILURE_STEPS, RELATIVE_TIME, SOURCE
from dashboards.house import Board, Row, Tile
from dashboards.panels import trouble
from dashboards.panels.alerts import firing
from dashboards.panels.cards import Card, cards
from dashboards.panels.chart import Axis, Style, chart, timeline
from dashboards.panels.looks import GOOD, IN_PROGRESS, NONE, PLAIN, QUIET, SOON, WRONG, steps, words
from dashboards.panels.table import Column, hidden, joined
from dashboards.promql import alerts, queue
from dashboards.promql import workers as promql
from dashboards.promql.select import by_worker
from jobqueue.catalogue import WORKER_FAILED, WORKER_ONLINE, WORKER_PROCESSED

_ONLINE = words({1: ("Online", GOOD), 0: ("Offline", WRONG)})
_SERIES = "{{worker}}$of"
_HARDEST_WORKING = 'worker=~"$hardest_working"'


def workers() -> Board:
    """The second tab."""
    return Board(
        uid=navigation.WORKERS,
        title="System Status: Workers",
        description="Which workers are alive and what they do.",
        time_from="now-6h",
        variables=variables.OF_WORKERS,
        links=navigation.bar(navigation.WORKERS),
        rows=[
            trouble.line(),
            Row(6, [queue_totals(), firing("firing_of_workers", alerts.OF_WORKERS)], widths=[14, 10]),
            Row(10, [worker_status()]),
            Row(7, [availability()]),
            Row(9, [throughput(), busy_time()]),
        ],
    )


def queue_totals() -> Tile:
    """The five cards of the page."""
    return cards(
        "Queue totals",
        "Jobs in the queue's table now. Finished ones are deleted by the janitor: completed after an hour, failed "
        "after seven days.",
        [
            Card("Active", queue.total("active"), steps(IN_PROGRESS)),
            Card("Pending", queue.total("pending"), steps(PLAIN, (100, SOON), (1000, WRONG))),
            Card("Completed", queue.total("completed"), steps(GOOD)),
            Card("Failed", queue.total("failed"), steps(PLAIN, (1, WRONG))),
            Card("Retry", queue.total("retry"), steps(PLAIN, (1, SOON))),
        ],
    )


def worker_status() -> Tile:
    """Every worker that has a heartbeat."""
    return joined(
        "Worker Status",
        "From each worker's heartbeat. A worker that the database has not heard from for 60 seconds is offline. "
        "**Mode**: *worker* runs background jobs only, *server* serves HTTP only, *all* does both.",
        rows=promql.workers(),
        columns=[
            Column("Worker", "worker", wrap=True, min_width=130),
            SOURCE,
            Column("Hostname", "hostname", wrap=True, min_width=120),
            Column("PID", "pid", width=66),
            Column("Mode", "mode", width=74),
            Column("Version", "version", width=94),
            Column("Status", query=by_worker(WORKER_ONLINE), width=78, words=_ONLINE),
            Column(
                "Uptime",
                query=promql.uptime(),
                width=96,
                unit="dtdurations",
                decimals=0,
                words=words({promql.NO_TIME: NONE}),
            ),
            Column("Processed", query=by_worker(WORKER_PROCESSED), width=92, align="right", unit="locale"),
            columns.count("Failed", by_worker(WORKER_FAILED), FAILURE_STEPS, width=68),
            Column("Now Running", "job_type", width=190, words=words({"idle": ("idle", QUIET), "—": NONE})),
            Column(
                "Elapsed",
                query=promql.current_run(),
                width=86,
                unit="dthms",
                words=words({promql.NO_TIME: NONE}),
                steps=steps(PLAIN, (300, SOON), (900, WRONG)),
            ),
            Column("Last Seen", query=promql.last_seen(), width=138, unit=RELATIVE_TIME),
            *hidden("source"),
        ],
        sort=["Status", "Worker", "Source"],
        empty=trouble.unless_unread("No workers: none has started yet"),
    )


def availability() -> Tile:
    """When each worker was there."""
    return timeline(
        "Availability",
        "When each worker was heard from.",
        by_worker(WORKER_ONLINE),
        _SERIES,
        words=_ONLINE,
        limits=steps(WRONG, (1, GOOD)),
        empty=trouble.unless_unread("No workers in this time range"),
        minimum_step="1m",
    )


def throughput() -> Tile:
    """Who does the work."""
    return chart(
        "Throughput per worker",
        "Jobs processed per minute, by the six workers that processed the most in the time range.",
        {_SERIES: promql.throughput(_HARDEST_WORKING)},
        Axis("suffix:/min"),
        Style.AREAS,
        empty=trouble.unless_unread("No worker has said in this time range how many jobs it did"),
        minimum_step="2m",
    )


def busy_time() -> Tile:
    """Whether there are workers enough."""
    return chart(
        "Busy time per worker",
        "Share of the time in which the worker was seen running a job, of the same workers. Sampled at each poll: runs "
        "shorter than the poll interval are caught by chance.",
        {_SERIES: promql.busy(_HARDEST_WORKING)},
        Axis("percentunit", soft_max=1),
        Style.THIN,
        empty=trouble.unless_unread("No worker has said in this time range what it runs"),
        minimum_step="5m",
    )
