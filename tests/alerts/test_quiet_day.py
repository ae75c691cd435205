"""A day of the demo's normal operation, through all rules: nobody is woken for nothing."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from itertools import groupby

import pytest
import yaml

from demo.series import MINUTES, Value
from demo.simulation import OUTAGE
from tests.alerts.day import day
from tests.alerts.expressions import RULES
from tests.exporter.promtool import promtool

GROUPS = ["recording", "thresholds", "exporter", "queue", "runs", "schedules", "workers", "admin"]
DESERVED = {"JobQueueNoWorkersOnline", "JobQueueReadyAgeHigh", "JobQueueJobsDropped", "JobQueueWorkerOffline"}
FIRED = 'group by (alertname, job_type) (count_over_time(ALERTS{{alertstate="firing"}}[{minutes}m]))'
STEP = 2
"""Minutes between two evaluations: half of them in half of the time."""
SETTLED = OUTAGE.stop + 25
"""When what was late is done, and what was dropped is no longer news."""


def written(values: Sequence[Value]) -> str:
    """In promtool's own notation."""
    return " ".join(_times(value, len(list(same))) for value, same in groupby(values))


def _times(value: Value, count: int) -> str:
    return f"_x{count}" if value is None else f"{value:.10g}x{count - 1}"


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> dict[int, set[tuple[str, str]]]:
    """What fired up to the minutes asked for: alerts with the job type they are about."""
    file = tmp_path_factory.mktemp("day") / "day.yml"
    until = {OUTAGE.start: OUTAGE.start, SETTLED: SETTLED - OUTAGE.start, MINUTES: MINUTES - SETTLED}
    asked = {minute: FIRED.format(minutes=back) for minute, back in until.items()}
    series = [{"series": name, "values": written(values[::STEP])} for name, values in day()]
    checks = [{"expr": expr, "eval_time": f"{minute}m", "exp_samples": []} for minute, expr in asked.items()]
    document = {
        "rule_files": [str(rules) for rules in RULES],
        "group_eval_order": [f"jobqueue-{name}" for name in GROUPS],
        "evaluation_interval": f"{STEP}m",
        "tests": [{"interval": f"{STEP}m", "input_series": series, "promql_expr_test": checks}],
    }
    file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, width=10**9))
    result = subprocess.run([promtool(), "test", "rules", file], capture_output=True, text=True)
    said = result.stdout + result.stderr
    assert not re.search(r"error|\berr:", said), said[:2000]
    return dict(zip(asked, _answers(said, list(asked.values())), strict=True))


def _answers(said: str, expressions: list[str]) -> Iterator[set[tuple[str, str]]]:
    """promtool tells only what it didn't expect, and it was told to expect nothing."""
    for expression in expressions:
        quoted = expression.replace('"', '\\"')
        _, _, rest = said.partition(f'expr: "{quoted}"')
        got = rest.partition("got: ")[2].partition("\n")[0]
        yield {
            (labels["alertname"], labels.get("job_type", ""))
            for labels in (dict(re.findall(r'(\w+)="([^"]*)"', found)) for found in re.findall(r"\{(.*?)\}", got))
        }


def test_nothing_fires_before_the_workers_are_gone(fired: dict[int, set[tuple[str, str]]]) -> None:
    assert fired[OUTAGE.start] == set()


def test_seven_minutes_without_workers_are_told(fired: dict[int, set[tuple[str, str]]]) -> None:
    names = {name for name, _ in fired[SETTLED]}

    assert {"JobQueueNoWorkersOnline", "JobQueueJobsDropped"} <= names <= DESERVED


def test_nothing_fires_when_they_are_back(fired: dict[int, set[tuple[str, str]]]) -> None:
    assert fired[MINUTES] == set()
