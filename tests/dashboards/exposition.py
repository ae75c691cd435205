"""What exporters and control APIs show of made-up queues, for a Prometheus to be filled with."""

from collections.abc import Iterator

from jobqueue.engine import Capability
from jobqueue.states import JobState

FULL = ("main", "eu")
"""Two sources with the same job types and workers."""
EMPTY = "new"
"""A source that answers and holds nothing."""
MUTE = "mute"
"""One whose engine knows nothing of heartbeats and ticks."""

DOWN, HALF, PART, UNKEPT, GONE = "down", "half", "part", "unkept", "gone"
"""Sources in trouble: none of the two exporters can read it, one of them can't, both can't read its schedules, both
can't write to our tables, and none shows it any more."""

_JOB_TYPES = ("daily", "minutely", "overdue", "disabled", "disabled_lately", "broken", "never_ran", "on_demand")
_SCHEDULES = (*_JOB_TYPES[:-1], "without_jobs")
_WORKERS = ("idle", "running", "gone", "died_running")
_ACTIONS = {"run": "Run now", "janitor": "Run Janitor Now", "fail-active": "Fail Active Jobs"}
_BASE_PATHS = {"control": "/control", "control of tomorrow": "/ops/control"}
_ALERTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("JobQueueWorkerOffline", "warning", {"worker": "gone"}),
    ("JobQueueReadyAgeHigh", "warning", {"job_type": "daily"}),
    ("JobQueueReadyAgeHigh", "critical", {"job_type": "daily"}),
    ("JobQueueFailureRateHigh", "warning", {"job_type": "on_demand"}),
    ("JobQueueCollectorFailing", "warning", {"collector": "live"}),
    ("JobQueueDestructiveAction", "info", {"action": "fail-active"}),
    ("JobQueueDestructiveAction", "info", {"action": "cancel-pending"}),
    ("JobQueueVersionSkew", "warning", {}),
    ("JobQueueOfOurOwn", "page", {"job_type": "daily", "worker": "gone"}),
)
_COLLECTORS = ("server", "live", "finished", "ready", "schedules", "workers")


def exposition(now: int) -> str:
    """Series of two exporters, which word a schedule differently, and of two control APIs, one at a new path."""
    lines = []
    for instance in ("a", "b"):
        for source in (*FULL, EMPTY, MUTE):
            lines += [_line(name, labels, source, instance, value, now) for name, labels, value in _itself(now)]
            for capability in Capability:
                able = source != MUTE or capability not in (Capability.HEARTBEATS, Capability.TICKS)
                named = {"capability": str(capability)}
                lines.append(_line("jobqueue_source_capability", named, source, instance, able, now))
        for source in (DOWN, HALF, PART, UNKEPT):
            series = [*_in_trouble(source, instance, now)]
            lines += [_line(name, labels, source, instance, value, now) for name, labels, value in series]
        lines.append(_line("jobqueue_up", {}, GONE, instance, 1, now - 1800))
        for source in FULL:
            lines += [
                _line("jobqueue_schedule_enabled", {"job_type": job_type}, source, instance, enabled, now - 3600)
                for job_type, enabled in (("disabled", 0), ("disabled_lately", 1))
            ]
            series = [*_schedules(now, f"wording {instance}"), *_runs(now), *_workers(now)]
            lines += [_line(name, labels, source, instance, value, now) for name, labels, value in series]
    for source in FULL:
        for instance, base in _BASE_PATHS.items():
            for action, title in _ACTIONS.items():
                labels = {"action": action, "title": title, "description": "…", "path": f"{base}/{source}/{action}"}
                lines.append(_line("jobqueue_control_action_info", labels, source, instance, 1, now))
        for alert, severity, subject in _ALERTS:
            lines += _alert(now, {"alertname": alert, "severity": severity, "source": source, **subject})
    lines += _alert(now, {"alertname": "JobQueueExporterDown", "severity": "critical"})
    lines += _alert(now, {"alertname": "JobQueueStalled", "severity": "critical", "source": "main"}, state="pending")
    lines += _alert(now, {"alertname": "SomebodyElses", "severity": "critical", "source": "main"})
    return "\n".join(sorted(lines, key=_series_and_moment)) + "\n# EOF\n"


Series = Iterator[tuple[str, dict[str, str], float]]


def _itself(now: int) -> Series:
    yield "jobqueue_up", {}, 1
    yield "jobqueue_source_info", {"engine": "ascent", "engine_version": "4", "server_version": "18"}, 1
    for collector in _COLLECTORS:
        yield "jobqueue_collector_success", {"collector": collector}, 1
        yield "jobqueue_collector_last_success_timestamp_seconds", {"collector": collector}, now - 5


def _in_trouble(source: str, instance: str, now: int) -> Series:
    failing = {
        DOWN: dict.fromkeys(_COLLECTORS, "refused"),
        HALF: dict.fromkeys(_COLLECTORS, "too_many_connections") if instance == "a" else {},
        PART: {"schedules": "permission"},
        UNKEPT: {"store": "read_only"},
    }[source]
    unreadable = failing.keys() == set(_COLLECTORS)
    yield "jobqueue_up", {}, not unreadable
    if unreadable:
        yield "jobqueue_source_unreadable_info", {"reason": failing["live"]}, 1
        yield "jobqueue_source_unreadable_since_timestamp_seconds", {}, now - 60
    for collector in (*_COLLECTORS, "store"):
        labels = {"collector": collector}
        yield "jobqueue_collector_success", labels, collector not in failing
        yield "jobqueue_collector_last_success_timestamp_seconds", labels, now - (300 if collector in failing else 5)
        if collector in failing:
            yield "jobqueue_collector_failing_info", labels | {"reason": failing[collector]}, 1


def _schedules(now: int, wording: str) -> Series:
    for job_type in _SCHEDULES:
        labels = {"job_type": job_type}
        timezone = {"disabled": "Europe/Berlin", "broken": ""}.get(job_type, "UTC")
        texts = {"description": wording, "schedule": wording, "cron": "0 6 * * *", "timezone": timezone}
        priority = {"daily": "High", "disabled": "Low"}.get(job_type, "Normal")
        yield "jobqueue_schedule_info", labels | texts | {"priority": priority}, 1
        yield "jobqueue_schedule_enabled", labels, not job_type.startswith("disabled")
        yield "jobqueue_schedule_valid", labels, job_type != "broken"
        yield "jobqueue_schedule_missed_ticks", labels, 2 if job_type == "overdue" else 0
    yield "jobqueue_schedule_next_run_timestamp_seconds", {"job_type": "daily"}, now + 600
    yield "jobqueue_schedule_next_run_timestamp_seconds", {"job_type": "minutely"}, now - 5


def _runs(now: int) -> Series:
    for job_type in _JOB_TYPES:
        labels = {"job_type": job_type}
        for state in JobState:
            yield "jobqueue_jobs", labels | {"state": state}, 7 if state is JobState.PENDING else 0
        ran = job_type in ("daily", "on_demand")
        yield "jobqueue_last24h_runs", labels, 100 if ran else 0
        yield "jobqueue_last24h_failures", labels, 1 if ran else 0
        if ran:
            yield "jobqueue_last24h_success_ratio", labels, 0.99
            for figure in ("p50", "p95", "max"):
                yield f"jobqueue_last24h_run_duration_{figure}_seconds", labels, 1.5
            yield "jobqueue_last_run_timestamp_seconds", labels, now - 60


def _workers(now: int) -> Series:
    for worker in _WORKERS:
        labels = {"worker": worker}
        yield "jobqueue_worker_info", labels | {"hostname": "h", "pid": "7", "mode": "all", "version": "1"}, 1
        yield "jobqueue_worker_online", labels, worker in ("idle", "running")
        for figure, ago in (("start", 100), ("last_seen", 30)):
            yield f"jobqueue_worker_{figure}_timestamp_seconds", labels, now - ago
        yield "jobqueue_worker_processed_total", labels, 12
        yield "jobqueue_worker_failed_total", labels, 0
    for worker in ("running", "died_running"):
        for job_type, ago in (("daily", 50), ("on_demand", 20)):
            labels = {"worker": worker, "job_type": job_type}
            yield "jobqueue_worker_current_run_start_timestamp_seconds", labels, now - ago


def _series_and_moment(line: str) -> tuple[str, str]:
    series, _, rest = line.rpartition("} ")
    return series, rest.split()[-1]


def _alert(now: int, labels: dict[str, str], state: str = "firing") -> Iterator[str]:
    yield f"{_named('ALERTS', labels | {'alertstate': state})} 1 {now}"
    yield f"{_named('ALERTS_FOR_STATE', labels)} {now - 600} {now}"


def _line(name: str, labels: dict[str, str], source: str, instance: str, value: float, now: int) -> str:
    shown = {"source": source, "instance": instance, **labels}
    return f"{_named(name, shown)} {float(value)} {now}"


def _named(name: str, labels: dict[str, str]) -> str:
    texts = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"{name}{{{texts}}}"
