"""Alerts that fire, as Prometheus itself keeps them: Grafana needs no alerting of its own to show them."""

from collections.abc import Mapping

from dashboards.promql.select import by, first_of

_FIRING, _NAMED = 'alertstate="firing"', 'alertname=~"JobQueue.+"'
_OF_SOURCES = 'source=~"$source|"'
"""Or of none: a dead exporter's."""
SUBJECTS = ("job_type", "worker", "collector", "action")
"""Labels that name what an alert is about; most alerts have one of them, some have none."""
_KEY = ("source", "alertname", "severity", *SUBJECTS)

SEVERITIES = ("critical", "warning", "info")
"""The gravest first, as they sort."""

OF_WORKERS = 'alertname=~"JobQueue(Worker|NoWorkers|VersionSkew).*"'
OF_RUNS = 'alertname=~"JobQueue(Active|Duration|Failure|Scheduled|ScheduleNever).*"'
OF_THE_READING = 'alertname=~"JobQueue(Collector|Data|Destructive|Exporter|Janitor|Names|Source).*"'


def firing(*matchers: str, boards: Mapping[str, str], otherwise: str) -> str:
    """The rows of a table: one per alert; its value is the place of its severity among ``SEVERITIES``.

    ``about`` names what the alert is about, ``board`` is where that is looked into: *boards* has the address for each
    of the ``SUBJECTS``, ``$1`` standing for its name, and *otherwise* is that of the rest.
    """
    ranks = [
        by(_KEY, f"0 * ALERTS{_ours(_FIRING, *severity, *matchers)} + {rank}")
        for rank, severity in enumerate([*([f'severity="{one}"'] for one in SEVERITIES), []])
    ]
    rows = f'label_join({_with_source(f"({first_of(*ranks)})")}, "Source", "", "source")'
    rows = f'label_join({rows}, "about", " ", {", ".join(_quoted(SUBJECTS))})'
    rows = f'label_replace({rows}, "about", "$1", "about", " *(.*?) *")'
    rows = f'label_replace({rows}, "about", "—", "about", "")'
    rows = f'label_replace({rows}, "board", "{otherwise}", "", "")'
    for subject, board in boards.items():
        rows = f'label_replace({rows}, "board", "{board}", "{subject}", "(.+)")'
    return rows


def since(*matchers: str) -> str:
    """When what they are about began, in milliseconds."""
    begun = by(_KEY, f"ALERTS_FOR_STATE{_ours(*matchers)}")
    return _with_source(f"1000 * {begun} and on ({', '.join(_KEY)}) ALERTS{_ours(_FIRING, *matchers)}")


def count(*matchers: str) -> str:
    """How many rows the table has, as a variable's query: ``$source`` gives something else there."""
    rows = by(_KEY, f"ALERTS{_ours(_FIRING, *matchers)}")
    return f"count({rows}) or vector(0)".replace("$source", "${source:pipe}")


def _with_source(expression: str) -> str:
    return f'label_replace({expression}, "source", "—", "source", "")'


def _quoted(names: tuple[str, ...]) -> list[str]:
    return [f'"{name}"' for name in names]


def _ours(*matchers: str) -> str:
    return f"{{{', '.join((_NAMED, _OF_SOURCES, *matchers))}}}"
