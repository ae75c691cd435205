"""Alerts that fire, as Prometheus itself keeps them: Grafana needs no alerting of its own to show them."""

from dashboards.promql.select import by

_FIRING, _NAMED = 'alertstate="firing"', 'alertname=~"JobQueue.+"'
_OF_SOURCES = 'source=~"$source|"'
"""Or of none: a dead exporter's."""
_KEY = ("source", "alertname", "severity", "job_type", "worker", "collector")

OF_WORKERS = 'alertname=~"JobQueue(Worker|NoWorkers|VersionSkew).*"'
OF_RUNS = 'alertname=~"JobQueue(Active|Duration|Failure|Scheduled|ScheduleNever).*"'
OF_THE_READING = 'alertname=~"JobQueue(Collector|Data|Destructive|Exporter|Janitor|Source).*"'


def firing(*matchers: str) -> str:
    """The rows of a table: one per alert."""
    return f'label_join({_firing(*matchers)}, "Source", "", "source")'


def since(*matchers: str) -> str:
    """When what they are about began, in milliseconds."""
    begun = by(_KEY, f"ALERTS_FOR_STATE{_ours(*matchers)}")
    return f"1000 * {begun} and on ({', '.join(_KEY)}) {_firing(*matchers)}"


def _firing(*matchers: str) -> str:
    return by(_KEY, f"ALERTS{_ours(_FIRING, *matchers)}")


def _ours(*matchers: str) -> str:
    return f"{{{', '.join((_NAMED, _OF_SOURCES, *matchers))}}}"
