"""Every metric: its name, type, labels and meaning, declared once.

Exporter, dashboards, rules and ``docs/metrics.md`` take the names from here. Every series carries ``source`` first;
base units; times are timestamps, so that an age keeps growing while nothing is read.
"""

from dataclasses import dataclass
from enum import StrEnum

from jobqueue.reasons import Reason


class Kind(StrEnum):
    """A metric's type, in Prometheus' word."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family; ``labels`` stand behind ``source``."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The labels of a series, ``source`` included."""
        return ("source", *self.labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, text, labels)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, text, labels)


def _histogram(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.HISTOGRAM, text, labels)


BUCKETS = tuple(2.0**power for power in range(-7, 17))
"""Upper bounds of both histograms in seconds: 7.8 ms to 18 h."""

# The exporter itself

UP = _gauge("jobqueue_up", "1 when the source's database answers; always there, for every configured source.")
SOURCE_INFO = _gauge("jobqueue_source_info", "What is read: always 1.", "engine", "engine_version", "server_version")
SOURCE_CAPABILITY = _gauge(
    "jobqueue_source_capability",
    "1 for what the source's engine makes possible; 0 for what it doesn't, whose series and buttons are absent.",
    "capability",
)
REPLAY_LAG = _gauge(
    "jobqueue_source_replay_lag_seconds",
    "How far the standby that is read may be behind its primary; above 60 s the figures of the present are absent. "
    "Absent on a primary.",
)
COLLECTOR_SUCCESS = _gauge(
    "jobqueue_collector_success",
    "1 when the collector's newest read succeeded; 0 and its series are gone.",
    "collector",
)
COLLECTOR_DURATION = _gauge(
    "jobqueue_collector_duration_seconds",
    "How long the collector's newest read took by the clock, with what it waited for.",
    "collector",
)
COLLECTOR_LAST_SUCCESS = _gauge(
    "jobqueue_collector_last_success_timestamp_seconds", "When the collector last succeeded.", "collector"
)
COLLECTOR_FAILING = _gauge(
    "jobqueue_collector_failing_info",
    "Always 1, and only there while the collector's newest read failed; reason as for a source.",
    "collector",
    "reason",
)
UNREADABLE = _gauge(
    "jobqueue_source_unreadable_info",
    f"Always 1, and only there while nothing of the source can be read. reason is one of {', '.join(Reason)}.",
    "reason",
)
UNREADABLE_SINCE = _gauge(
    "jobqueue_source_unreadable_since_timestamp_seconds",
    "When something was last read of a source that can't be read, or, if nothing was since the exporter's start, "
    "when that was first tried.",
)
FOLDED = _gauge(
    "jobqueue_folded",
    'How many were left out by a bound: job_types, shown together as job_type="__other__"; workers; schedules.',
    "kind",
)

# Jobs as they stand

JOBS = _gauge(
    "jobqueue_jobs",
    "Jobs by state, all seven: pending (due), scheduled (not due yet), active, retry, completed, failed, cancelled.",
    "job_type",
    "state",
)
OLDEST_READY = _gauge(
    "jobqueue_oldest_ready_timestamp_seconds",
    "When the oldest due job that still waits became due; absent when none waits.",
    "job_type",
)
OLDEST_ACTIVE = _gauge(
    "jobqueue_oldest_active_start_timestamp_seconds",
    "When the longest-running active job started; absent when none is active.",
    "job_type",
)

# Runs as they happen

RUNS = _counter("jobqueue_runs_total", "Runs: jobs that completed or failed, not those cancelled.", "job_type")
RUN_FAILURES = _counter("jobqueue_run_failures_total", "Runs that failed.", "job_type")
RUN_RETRIES = _counter("jobqueue_run_retries_total", "Retries that the finished runs had needed.", "job_type")
CANCELLED = _counter("jobqueue_jobs_cancelled_total", "Jobs cancelled, or dropped when they expired.", "job_type")
RUNS_LATE = _counter(
    "jobqueue_runs_late_total",
    "Runs and cancelled jobs that were found later than the settle time, and counted: a worker's clock is behind, or a "
    "transaction took long to commit.",
)
RUN_DURATION = _histogram(
    "jobqueue_run_duration_seconds", "From the start of a run's last attempt to its end.", "job_type"
)
RUN_WAIT = _histogram("jobqueue_run_wait_seconds", "From the moment a job is due until a worker starts it.", "job_type")
LAST_RUN = _gauge("jobqueue_last_run_timestamp_seconds", "When the newest run ended.", "job_type")
LAST_SUCCESS = _gauge("jobqueue_last_success_timestamp_seconds", "When the newest completed run ended.", "job_type")

# The last 24 hours

DAY_RUNS = _gauge("jobqueue_last24h_runs", "Runs that ended in the last 24 hours.", "job_type")
DAY_FAILURES = _gauge("jobqueue_last24h_failures", "Runs that failed in the last 24 hours.", "job_type")
DAY_SUCCESS_RATIO = _gauge(
    "jobqueue_last24h_success_ratio",
    "Completed runs to all runs of the last 24 hours, 0 to 1; absent without runs.",
    "job_type",
)
DAY_P50 = _gauge(
    "jobqueue_last24h_run_duration_p50_seconds", "Median run of the last 24 hours, within 2.5 %.", "job_type"
)
DAY_P95 = _gauge(
    "jobqueue_last24h_run_duration_p95_seconds",
    "95th percentile of the runs of the last 24 hours, within 2.5 %.",
    "job_type",
)
DAY_MAX = _gauge("jobqueue_last24h_run_duration_max_seconds", "Longest run of the last 24 hours, exact.", "job_type")
DAY_START = _gauge(
    "jobqueue_last24h_window_start_timestamp_seconds",
    "From when the 24-hour figures count: later than a day ago while history is younger.",
)

# Schedules

SCHEDULE_INFO = _gauge(
    "jobqueue_schedule_info",
    "A recurring job: always 1. schedule is the expression in words, priority is High, Normal or Low.",
    "job_type",
    "description",
    "schedule",
    "cron",
    "timezone",
    "priority",
)
SCHEDULE_ENABLED = _gauge("jobqueue_schedule_enabled", "1 when the schedule is enabled.", "job_type")
SCHEDULE_VALID = _gauge("jobqueue_schedule_valid", "0 when the expression or timezone can't be parsed.", "job_type")
SCHEDULE_NEXT = _gauge(
    "jobqueue_schedule_next_run_timestamp_seconds",
    "The next tick; absent when disabled, not valid, or never again.",
    "job_type",
)
SCHEDULE_EXPECTED = _gauge(
    "jobqueue_schedule_expected_run_timestamp_seconds", "The newest tick that is past.", "job_type"
)
SCHEDULE_LAST_ENQUEUED = _gauge(
    "jobqueue_schedule_last_enqueued_timestamp_seconds",
    "When a tick last got its job; a manual run doesn't count.",
    "job_type",
)
SCHEDULE_MISSED = _gauge(
    "jobqueue_schedule_missed_ticks",
    "Ticks due since the last one that got its job, after a grace of a poll and 60 s; 0 when disabled or not valid.",
    "job_type",
)
SCHEDULE_UNSUCCESSFUL = _gauge(
    "jobqueue_schedule_ticks_without_success",
    "Ticks since the newest success, or since the schedule changed; absent when disabled, not valid, or no success is "
    "known.",
    "job_type",
)
SCHEDULE_UNSUCCESSFUL_SINCE = _gauge(
    "jobqueue_schedule_without_success_since_timestamp_seconds",
    "The first tick since the newest success; absent when there was none.",
    "job_type",
)
SCHEDULE_FAILED = _gauge(
    "jobqueue_schedule_failed_ticks",
    "Ticks from the first failed run since the newest success to the newest run; 0 when the newest run succeeded.",
    "job_type",
)

# Workers

WORKER_INFO = _gauge("jobqueue_worker_info", "A worker: always 1.", "worker", "hostname", "pid", "mode", "version")
WORKER_ONLINE = _gauge(
    "jobqueue_worker_online",
    "1 when the worker was seen in the last 60 s, or as its longer heartbeat has it; by the database's clock.",
    "worker",
)
WORKER_START = _gauge("jobqueue_worker_start_timestamp_seconds", "When the worker started.", "worker")
WORKER_LAST_SEEN = _gauge("jobqueue_worker_last_seen_timestamp_seconds", "The worker's last heartbeat.", "worker")
WORKER_PROCESSED = _counter(
    "jobqueue_worker_processed_total", "Jobs the worker has processed, by its own count.", "worker"
)
WORKER_FAILED = _counter("jobqueue_worker_failed_total", "Jobs the worker has failed, by its own count.", "worker")
WORKER_CURRENT_START = _gauge(
    "jobqueue_worker_current_run_start_timestamp_seconds",
    "When the worker's current run started; absent when idle.",
    "worker",
    "job_type",
)

METRICS: tuple[Metric, ...] = tuple(value for value in globals().values() if isinstance(value, Metric))
"""All that the exporter serves, in the order of this file, which is that of the exposition."""

# What the control API serves

CONTROL_ACTIONS = _counter(
    "jobqueue_control_actions_total",
    "Admin actions by how they ended: done, failed, interrupted or refused; a refusal that concerns no known source "
    "or action has none there.",
    "action",
    "outcome",
)
CONTROL_ACTIONS_RUNNING = _gauge(
    "jobqueue_control_actions_running", "Admin actions that are at work in this process.", "action"
)
CONTROL_ACTION_INFO = _gauge(
    "jobqueue_control_action_info",
    "An action that platform admins have: always 1. path is where it is asked about and ordered.",
    "action",
    "title",
    "description",
    "path",
)
JANITOR_LAST_RUN = _gauge(
    "jobqueue_control_janitor_last_run_timestamp_seconds",
    "When the janitor last came to its end, by itself or by hand, here or in a replica; absent when it never did.",
)
JANITOR_INTERVAL = _gauge(
    "jobqueue_control_janitor_interval_seconds",
    "How often the janitor runs by itself; absent for a source where it doesn't.",
)
JANITOR_REMOVED = _counter(
    "jobqueue_control_janitor_removed_total",
    "Rows that the janitor failed, cancelled or deleted, by step.",
    "step",
)

CONTROL_METRICS: tuple[Metric, ...] = (
    CONTROL_ACTIONS,
    CONTROL_ACTIONS_RUNNING,
    CONTROL_ACTION_INFO,
    JANITOR_LAST_RUN,
    JANITOR_INTERVAL,
    JANITOR_REMOVED,
)
"""All that the control API serves."""
