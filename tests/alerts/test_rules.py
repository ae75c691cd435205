"""What every rule has to keep to, and its own tests."""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from tests.alerts.expressions import (
    ROOT,
    RULES,
    Alert,
    alerts,
    joined_by,
    labels_of_metrics,
    rules,
    selectors,
    unfolded,
)
from tests.exporter.promtool import promtool

TESTS = sorted((ROOT / "alerts/tests").glob("*.yml"))
RUNBOOKS = ROOT / "docs/runbooks"
HEADINGS = ["Meaning", "Impact", "How to tell", "What to do", "When it is safe to ignore"]
CONTRACT = {f"system-status-{name}" for name in ("jobs", "workers", "metrics", "job", "health")}
BUILT = {json.loads(file.read_text())["uid"] for file in ROOT.glob("dashboards/build/system-status-*.json")}
UIDS = BUILT or CONTRACT

every_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: f"{alert.name}-{alert.severity}")
every_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])


def run(*arguments: str | Path) -> str:
    """What promtool says about something that isn't right; nothing when it is."""
    result = subprocess.run([promtool(), *arguments], capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_the_rules_pass_prometheus_own_check() -> None:
    files = [*RULES, ROOT / "alerts/thresholds.example.yml"]

    assert run("check", "rules", "--lint=all", "--lint-fatal", *files) == ""


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_the_rules_do_what_their_tests_say(file: Path) -> None:
    assert run("test", "rules", file) == ""


def minutes(text: str) -> int:
    return int(text.removesuffix("m"))


def seen() -> dict[tuple[str, str], tuple[set[str], set[str]]]:
    """For each alert and severity the cases in which it fires, and those in which it is quiet in a test of the alert.

    A case that has it quiet and then firing counts as both.
    """
    outcomes: defaultdict[tuple[str, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    severities = {alert.name: {each.severity for each in alerts() if each.name == alert.name} for alert in alerts()}
    for file in TESTS:
        for group in yaml.safe_load(file.read_text())["tests"]:
            for check in group.get("alert_rule_test", ()):
                firing = {expected["exp_labels"]["severity"] for expected in check["exp_alerts"]}
                for severity in severities[check["alertname"]]:
                    outcomes[check["alertname"], severity][severity not in firing].add(group["name"])
    return outcomes


@every_alert
def test_each_alert_is_seen_firing_and_quiet_just_before_and_quiet_in_another_case(alert: Alert) -> None:
    firing, quiet = seen()[alert.name, alert.severity]

    assert firing
    assert firing & quiet
    assert quiet - firing


def test_an_alert_about_what_is_read_outlives_a_read_that_fails() -> None:
    """The others are about the exporter's silence, and about a window that a gap doesn't empty."""
    without = {rule["alert"] for rule in rules() if "alert" in rule and rule.get("keep_firing_for") != "5m"}

    assert without == {"JobQueueExporterDown", "JobQueueDestructiveAction"}


@every_alert
def test_each_alert_says_how_bad_it_is_and_what_about(alert: Alert) -> None:
    description = alert.annotations["description"]
    labels = ("$labels.source", "$labels.worker", "$labels.job_type", "$labels.collector")

    assert alert.severity in ("critical", "warning", "info")
    assert set(alert.annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert "{{" not in alert.annotations["summary"]
    assert any(label in description for label in labels)
    assert not re.search(r"\{\{ ?\$value ?}}|humanize ?}}", description), "a number needs its unit"


@every_alert
def test_each_alert_links_to_a_dashboard_that_exists_with_its_variables_escaped(alert: Alert) -> None:
    link = alert.annotations["dashboard_url"]
    found = re.fullmatch(r"\{\{ \$externalLabels\.grafana_url }}/d/([a-z-]+)\?(.*)", link)

    assert found is not None
    assert found[1] in UIDS
    variables = dict(part.split("=", 1) for part in found[2].split("&"))
    assert variables.pop("var-source") == "{{ $labels.source | urlquery }}"
    if found[1] == "system-status-job":
        assert variables.pop("var-job_type") == "{{ $labels.job_type | urlquery }}"
        assert alert.job_type_in_text
    assert not variables


@every_alert
def test_each_alert_has_a_runbook_with_what_one_needs_at_three_in_the_morning(alert: Alert) -> None:
    assert alert.annotations["runbook_url"] == "{{ $externalLabels.runbooks_url }}/" + f"{alert.name}.md"
    text = (RUNBOOKS / f"{alert.name}.md").read_text()

    assert text.startswith(f"# {alert.name}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert f"]({alert.name}.md)" in (RUNBOOKS / "README.md").read_text()


def test_there_is_no_runbook_without_an_alert() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"} == {alert.name for alert in alerts()}


def test_the_queries_in_the_runbooks_can_be_asked() -> None:
    for file in RUNBOOKS.glob("*.md"):
        for query in re.findall(r"```promql\n(.*?)```", file.read_text(), re.DOTALL):
            for line in query.strip().splitlines():
                for selector in selectors(promql.parse(line)):
                    assert selector.name in labels_of_metrics(), (file.name, selector.name)


@every_rule
def test_each_rule_reads_series_that_somebody_serves_and_labels_that_they_have(rule: dict[str, Any]) -> None:
    expression = promql.parse(rule["expr"])

    for selector in selectors(expression):
        assert selector.name in labels_of_metrics()
        assert {matcher.name for matcher in selector.matchers.matchers} <= labels_of_metrics()[selector.name]
    for named, there in joined_by(expression):
        assert named <= there


@every_rule
def test_each_rule_folds_the_replicas_of_the_exporter(rule: dict[str, Any]) -> None:
    served = [name for name in unfolded(promql.parse(rule["expr"])) if ":" not in name]

    assert served == []


@every_rule
def test_each_recorded_series_is_named_level_metric_operation(rule: dict[str, Any]) -> None:
    if "record" in rule:
        assert re.fullmatch(r"(source|source_job_type|source_worker|source_collector|jobqueue):\w+:\w+", rule["record"])
