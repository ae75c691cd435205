"""Background Jobs: what runs when, what waits, what just ran."""

from dashboards import buttons, columns, navigation, sql, variables
from dashboards.columns import EXACT_TIME, PENDING_STEPS, RECENT_TIME, RELATIVE_TIME, SOURCE
from dashboards.house import Board, Json, Row, Tile
from dashboards.panels import trouble
from dashboards.panels.alerts import firing
from dashboards.panels.cards import Card, cards
from dashboards.panels.chart import CLOCK, COUNT, Style, chart
from dashboards.panels.looks import IN_PROGRESS, NONE, PLAIN, QUIET, SOON, WRONG, signs, steps, words
from dashboards.panels.table import Column, hidden, joined, selected
from dashboards.promql import queue, runs, schedules, service, workers

_SERIES = "{{job_type}}$of"
_BACKLOGGED = 'job_type=~"$backlogged"'


def background_jobs() -> Board:
    """The first tab."""
    return Board(
        uid=navigation.JOBS,
        title="System Status: Background Jobs",
        description="What runs when, what waits, what just ran.",
        time_from="now-6h",
        variables=variables.OF_JOBS,
        links=navigation.bar(navigation.JOBS),
        rows=[
            trouble.line(),
            Row(6, [at_a_glance(), firing("firing")], widths=[14, 10]),
            Row(17, [scheduled_jobs()]),
            Row(7, [job_management(), destructive_actions()]),
            Row(11, [recent_job_history()]),
            Row(9, [pending(), ready_age(), ticks_missed()]),
        ],
    )


def at_a_glance() -> Tile:
    """Whether anything is stuck, late, failing or dead."""
    return cards(
        "At a glance",
        "Waiting: jobs that are due. Longest wait: of the oldest of them. In trouble: schedules that are overdue, "
        "have a cron expression that can't be parsed, or were disabled in the last seven days: the first rows of "
        "Scheduled Jobs. Success: of the runs of the last 24 hours. Workers: those online, beside those offline.",
        [
            Card("Waiting", queue.total("pending"), steps(PLAIN, (100, SOON), (1000, WRONG))),
            Card("Longest wait", queue.oldest_wait(), steps(PLAIN, (300, SOON), (900, WRONG)), unit="s", decimals=0),
            Card("Running", queue.total("active"), steps(PLAIN)),
            Card("In trouble", schedules.in_trouble(), steps(PLAIN, (1, WRONG))),
            Card("Success", runs.day_total_success_rate(), columns.SUCCESS_STEPS, unit="percentunit", decimals=1),
            Card("Workers", workers.counted(online=1), steps(WRONG, (1, PLAIN))),
            Card("Offline", workers.counted(online=0), steps(PLAIN, (1, WRONG))),
        ],
    )


def scheduled_jobs(*only: str) -> Tile:
    """Every recurring job, or the one that *only* matches."""
    return joined(
        "Scheduled Jobs",
        "Every recurring job, its schedule and its next run. **Pending** counts jobs that are due and wait for a "
        "worker. **overdue**: a tick has passed and no job was queued for it. **disabled lately**: it was enabled at "
        "some time in the last seven days. Rows in trouble come first.",
        rows=schedules.schedules(*only),
        columns=[
            columns.job(width=186),
            SOURCE,
            Column("Description", "description", wrap=True, min_width=190),
            Column(
                "Schedule",
                "schedule",
                wrap=True,
                width=164,
                words=words({"Can't be parsed": ("Can't be parsed", WRONG)}),
            ),
            Column("Cron", "cron", wrap=True, width=158),
            Column(
                "Priority",
                query=schedules.priority(*only),
                width=78,
                words=signs(("Low", QUIET), ("Normal", PLAIN), ("High", IN_PROGRESS)),
            ),
            Column(
                "Next Run",
                query=schedules.next_run(*only),
                width=128,
                unit=RELATIVE_TIME,
                words=words(
                    {
                        schedules.DISABLED: ("disabled", QUIET),
                        schedules.DISABLED_LATELY: ("disabled lately", SOON),
                        schedules.INVALID: ("bad cron", WRONG),
                        schedules.OVERDUE: ("overdue", WRONG),
                        schedules.NEVER: ("never", QUIET),
                        schedules.DUE: ("due now", PLAIN),
                    }
                ),
            ),
            Column(
                "Next Run At",
                query=schedules.next_run_at(*only),
                width=158,
                unit=EXACT_TIME,
                words=words({schedules.NO_TIME: NONE}),
            ),
            columns.count("Pending", schedules.pending(*only), PENDING_STEPS, width=80, none=schedules.NO_JOBS),
            Column("Actions", query=schedules.run_now(*only), width=98, align="center", actions=[buttons.run_now()]),
            *hidden("source", "path"),
        ],
        sort=["Job", "Source"],
        first=schedules.trouble(*only),
        empty=trouble.unless_unread("No schedules yet"),
    ).with_link("All actions, asked about on a page of their own", "${control}/")


def job_management() -> Tile:
    """The harmless button of the page."""
    return _clean_ups(
        "Job Management",
        "Manual clean-up. The janitor runs by itself every 15 minutes, so it is rarely needed by hand. Every press is "
        "asked for again, checked for platform-admin rights, and kept in the audit log.",
        buttons.clean_up(destructive=False),
        'action="janitor"',
    ).with_link("All actions, asked about on a page of their own", "${control}/")


def destructive_actions() -> Tile:
    """The other two: Grafana gives the buttons of a column one colour."""
    return _clean_ups(
        "Job Management: destructive",
        "What ends jobs before their time. Every press is asked for again, checked for platform-admin rights, and kept "
        "in the audit log.",
        buttons.clean_up(destructive=True),
        'action!="janitor"',
    ).with_link("What was done, and by whom", "${control}/audit")


def _clean_ups(title: str, description: str, button: Json, matcher: str) -> Tile:
    asks = navigation.to_page_that_asks("${__data.fields.path}")
    return joined(
        title,
        description,
        rows=service.clean_ups(matcher),
        columns=[
            Column("Action", "title", width=160, actions=[button]),
            SOURCE,
            Column("What it does", "description", wrap=True, min_width=150),
            Column("Its page", "Value #A", width=90, links=[asks], titled=True),
            Column("concerned", "concerned", query=service.concerned(matcher), hidden=True),
            *hidden("source", "path", "action"),
        ],
        sort=["Source", "-Action"],
        empty="No actions: the control API is not running, or Prometheus does not scrape it.",
    )


def recent_job_history() -> Tile:
    """The last 50 jobs."""
    return selected(
        "Recent Job History",
        "The last 50 jobs across all job types, newest first.",
        sql.statement(sql.RECENT_JOBS),
        columns=[
            Column("Job", links=[navigation.to_job(job_type="Job")]),
            SOURCE,
            columns.state(),
            Column("Created", unit=RECENT_TIME),
            Column("Completed", unit=RECENT_TIME),
            columns.count("Retries", None, steps(QUIET, (1, SOON)), width=110),
            *hidden("source"),
        ],
        empty=trouble.unless_unread("No jobs have run yet"),
    )


def pending() -> Tile:
    """The backlog."""
    return chart(
        "Pending",
        "Jobs that are due and wait for a worker; the six job types that had the most.",
        {_SERIES: queue.most_pending(_BACKLOGGED)},
        COUNT,
        Style.AREAS,
        empty=trouble.unless_unread("Nothing was seen waiting in this time range"),
        minimum_step="1m",
    )


def ready_age() -> Tile:
    """How late workers are."""
    return chart(
        "Ready age",
        "How long the oldest due job has been waiting for a worker; of the same job types.",
        {_SERIES: queue.age(_BACKLOGGED)},
        CLOCK,
        Style.LINES,
        empty=trouble.unless_unread("Nothing was seen waiting in this time range"),
    )


def ticks_missed() -> Tile:
    """How late the scheduler is."""
    return chart(
        "Ticks missed",
        "Schedule ticks that have passed without a job being queued; the six job types that missed the most.",
        {_SERIES: schedules.missed('job_type=~"$late"')},
        COUNT,
        Style.STEPS,
        empty=trouble.unless_unread("No missed ticks were seen in this time range"),
        minimum_step="1m",
    )
