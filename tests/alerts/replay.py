"""Series of hours and days through all rules: what has fired, and when."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

import yaml

from demo.series import Value
from tests.alerts.expressions import RULES
from tests.exporter.promtool import promtool

_GROUPS = ["recording", "thresholds", "exporter", "queue", "runs", "schedules", "workers", "admin"]
Answer = tuple[dict[str, str], float]
"""A series' labels and its value."""

_FIRED = 'group by (alertname, job_type) (count_over_time(ALERTS{{alertstate="firing"}}[{minutes}m]))'


def replay(
    file: Path, series: Iterable[tuple[str, Sequence[Value]]], step: int, asked: Mapping[int, int]
) -> dict[int, set[tuple[str, str]]]:
    """What fired: alerts with the job type they are about, for each minute in *asked* in so many minutes before it.

    The series have a value for every *step* minutes, and the rules are evaluated as often.
    """
    questions = [(minute, _FIRED.format(minutes=back)) for minute, back in asked.items()]
    found = ask(file, series, step, questions)
    return {
        minute: {(labels["alertname"], labels.get("job_type", "")) for labels, _ in answer}
        for minute, answer in zip(asked, found, strict=True)
    }


def ask(
    file: Path,
    series: Iterable[tuple[str, Sequence[Value]]],
    step: int,
    questions: Sequence[tuple[int, str]],
    more_rules: Mapping[str, Path] = MappingProxyType({}),
) -> list[list[Answer]]:
    """What PromQL answers at so many minutes each, when all rules have been evaluated every *step* minutes.

    *more_rules* are files with a group each, by its name; they come last.
    """
    document = {
        "rule_files": [str(rules) for rules in (*RULES, *more_rules.values())],
        "group_eval_order": [*(f"jobqueue-{name}" for name in _GROUPS), *more_rules],
        "evaluation_interval": f"{step}m",
        "tests": [
            {
                "interval": f"{step}m",
                "input_series": [{"series": name, "values": _written(values)} for name, values in series],
                "promql_expr_test": [
                    {"expr": expr, "eval_time": f"{minute}m", "exp_samples": []} for minute, expr in questions
                ],
            }
        ],
    }
    file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, width=10**9))
    result = subprocess.run([promtool(), "test", "rules", file], capture_output=True, text=True)
    said = result.stdout + result.stderr
    assert not re.search(r"error|\berr:", said), said[:2000]
    return list(_answers(said, [expr for _, expr in questions]))


def _written(values: Sequence[Value]) -> str:
    """In promtool's own notation."""
    return " ".join(_times(value, len(list(same))) for value, same in groupby(values))


def _times(value: Value, count: int) -> str:
    if value is None:  # Prometheus marks what a scrape no longer has, or all of one that failed, as gone at once
        return "stale" + (f" _x{count - 1}" if count > 1 else "")
    return f"{value:.10g}x{count - 1}"


def _answers(said: str, expressions: list[str]) -> Iterator[list[Answer]]:
    """promtool tells only what it didn't expect, and it was told to expect nothing."""
    for expression in expressions:
        quoted = expression.replace('"', '\\"')
        _, _, rest = said.partition(f'expr: "{quoted}"')
        got = rest.partition("got: ")[2].partition("\n")[0]
        yield [
            (dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
            for labels, value in re.findall(r"\{(.*?)\} ([^ ,]+)", got)
        ]
