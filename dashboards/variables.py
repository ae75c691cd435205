"""What the reader chooses above a dashboard, and what is worked out from it, hidden."""

from dashboards.house import PROMETHEUS, Json
from dashboards.panels.looks import HUES
from dashboards.promql import alerts
from dashboards.promql.select import THIS_JOB, by
from jobqueue.catalogue import (
    CONTROL_ACTION_INFO,
    DAY_FAILURES,
    DAY_P95,
    DAY_RUNS,
    JOBS,
    RUN_WAIT,
    SCHEDULE_MISSED,
    UP,
    WORKER_PROCESSED,
)

_PER_LOAD, _PER_TIME_RANGE = 1, 2
_SHOWN, _HIDDEN = 0, 2
_LABEL_VALUES, _QUERY_RESULT = 1, 3
# ${source:pipe} gives a regular expression everywhere; what $source gives in a variable's query differs.
_CHOSEN = 'source=~"${source:pipe}"'
_ALL: Json = {"multi": True, "includeAll": True, "current": {"text": ["All"], "value": ["$__all"]}}
_SOURCES = f"count(count by (source) ({UP.name}{{{_CHOSEN}}}))"


def _data_source(name: str, label: str, plugin: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "datasource",
        "query": plugin,
        "regex": "",
        "hide": _SHOWN,
        "refresh": _PER_LOAD,
        "multi": False,
        "includeAll": False,
        "options": [],
        "skipUrlSync": False,
    }


def _values(name: str, label: str, query: str) -> Json:
    return _query(name, label, f"label_values({query})", _LABEL_VALUES) | {
        "hide": _SHOWN,
        "sort": 1,
        "skipUrlSync": False,
    }


def _worked_out(name: str, expression: str, regex: str) -> Json:
    return _query(name, "", f"query_result({expression})", _QUERY_RESULT) | {"regex": regex}


def _greatest(name: str, label: str, measure: str) -> Json:
    """As many values of *label* as have colours of their own: those with the greatest *measure*."""
    return _worked_out(name, f"topk({HUES}, {by((label,), measure)})", f'/{label}="([^"]+)"/') | _ALL


def _job_types(name: str, measure: str) -> Json:
    return _greatest(name, "job_type", measure)


def _query(name: str, label: str, query: str, kind: int) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": PROMETHEUS,
        "query": {"query": query, "refId": name, "qryType": kind},
        "regex": "",
        "hide": _HIDDEN,
        "refresh": _PER_TIME_RANGE,
        "sort": 0,
        "multi": False,
        "includeAll": False,
        "options": [],
        "skipUrlSync": True,
    }


_PROMETHEUS = _data_source("prometheus", "Prometheus", "prometheus")
_POSTGRES = _data_source("postgres", "PostgreSQL", "grafana-postgresql-datasource")
_SOURCE = _values("source", "Source", f"{UP.name}, source") | _ALL
_JOB_TYPE = _values("job_type", "Job", f"{JOBS.name}{{{_CHOSEN}}}, job_type")
# The column to leave out: Source where a single source is on show, else none.
_OMIT = _worked_out("omit", f'label_replace({_SOURCES} == 1, "omit", "Source", "", "")', '/omit="([^"]+)"/')
# What legends add to a name: the source where several are on show, else nothing.
_OF = _worked_out("of", f'label_replace({_SOURCES} > 1, "of", " · {{{{source}}}}", "", "")', '/of="([^"]+)"/')
# Where the control API's pages are: above the path of an action; at the usual place where none is scraped.
_CONTROL = _worked_out(
    "control",
    by(("path",), f'{CONTROL_ACTION_INFO.name}{{{_CHOSEN}, action="run"}}')
    + ' or on () label_replace(vector(1), "path", "/control/main/run", "", "")',
    '/path="(.*)\\/[^\\/]+\\/run"/',
)

# What charts show of hundreds of job types and workers: all of them would take Prometheus many seconds, and be chosen
# anew at each step.
_BACKLOGGED = _job_types("backlogged", f'max_over_time({JOBS.name}{{{_CHOSEN}, state="pending"}}[$__range]) > 0')
_LATE = _job_types("late", f"max_over_time({SCHEDULE_MISSED.name}{{{_CHOSEN}}}[$__range]) > 0")
_HARDEST_WORKING = _greatest("hardest_working", "worker", f"increase({WORKER_PROCESSED.name}{{{_CHOSEN}}}[$__range])")
_FAILING = _job_types("failing", f"{DAY_FAILURES.name}{{{_CHOSEN}}} > 0")
_BUSIEST = _job_types("busiest", f"{DAY_RUNS.name}{{{_CHOSEN}}} > 0")
_SLOWEST = _job_types("slowest", f"{DAY_P95.name}{{{_CHOSEN}}}")
_WAITING = _job_types(
    "waiting",
    f"increase({RUN_WAIT.name}_sum{{{_CHOSEN}}}[1h]) / (increase({RUN_WAIT.name}_count{{{_CHOSEN}}}[1h]) > 0)",
)


def _firing(name: str, *matchers: str) -> Json:
    return _worked_out(name, alerts.count(*matchers), r"/} (\d+) /")


_COMMON = (_PROMETHEUS, _POSTGRES, _SOURCE, _OMIT, _OF, _CONTROL)
OF_JOBS = (*_COMMON, _firing("firing"), _BACKLOGGED, _LATE)
OF_WORKERS = (*_COMMON, _firing("firing_of_workers", alerts.OF_WORKERS), _HARDEST_WORKING)
OF_METRICS = (*_COMMON, _firing("firing_of_runs", alerts.OF_RUNS), _FAILING, _BUSIEST, _SLOWEST, _WAITING)
OF_HEALTH = (*_COMMON, _firing("firing_of_reading", alerts.OF_THE_READING))
OF_JOB = (_PROMETHEUS, _POSTGRES, _SOURCE, _JOB_TYPE, _OMIT, _OF, _CONTROL, _firing("firing_of_job", THIS_JOB))
