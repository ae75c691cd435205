"""What is written about thresholds and speed is so."""

import re

import yaml

from demo.rules import RULES, faster
from tests.alerts.expressions import ROOT, rules

DOCUMENT = (ROOT / "docs/alerts.md").read_text()


def defaults() -> dict[str, str]:
    return {
        rule["labels"]["threshold"]: rule["expr"].split(" ")[0]
        for rule in rules()
        if rule.get("record") == "jobqueue:threshold:default"
    }


def test_every_threshold_is_documented_with_its_default() -> None:
    documented: dict[str, str] = {}
    for names, values in re.findall(r"^\| (`[^|]*`) \| ([\d., ]+) \|", DOCUMENT, re.MULTILINE):
        documented |= dict(zip(re.findall(r"`(\w+)`", names), values.split(", "), strict=True))

    assert documented == defaults()


def test_how_slow_a_source_may_be_read_without_an_override_is_documented() -> None:
    configuration = (ROOT / "docs/configuration.md").read_text()
    [row] = re.findall(r"^\| `sources\[\].poll_interval` .*$", configuration, re.MULTILINE)

    assert f"beyond {int(defaults()['data_age_seconds']) // 2} the alert JobQueueDataStale" in row


def test_every_threshold_is_used_by_an_alert() -> None:
    used = {name for rule in rules() if "alert" in rule for name in re.findall(r'threshold="(\w+)"', rule["expr"])}

    assert used == defaults().keys()


def test_faster_rules_differ_in_their_times_alone() -> None:
    for file in RULES.glob("*.yml"):
        slow = yaml.safe_load(file.read_text())
        fast = faster(slow, 60)

        for before, after in zip(slow["groups"][0]["rules"], fast["groups"][0]["rules"], strict=True):
            same = {key for key in before if before[key] == after[key]}
            assert before.keys() - same <= {"for", "keep_firing_for", "expr"}
            assert _without_times(before["expr"]) == _without_times(after["expr"])


def test_a_minute_in_a_rule_becomes_a_second() -> None:
    expression = "a[30m] > (b offset 1w) * 60 < max_over_time(c:d:e[7d:10m])"
    rule = {"alert": "X", "for": "5m", "keep_firing_for": "2m", "expr": expression}
    threshold = {"record": "jobqueue:threshold:default", "labels": {"threshold": "x_seconds"}, "expr": "60 * c"}
    document = {"groups": [{"name": "x", "rules": [rule, threshold]}]}

    [alert, divided] = faster(document, 60)["groups"][0]["rules"]

    assert alert == {
        "alert": "X",
        "for": "5000ms",
        "keep_firing_for": "2000ms",
        "expr": "a[30000ms] > (b offset 10080000ms) * 60 < max_over_time(c:d:e[10080000ms:10000ms])",
    }
    assert divided["expr"] == "(60 * c) / 60"


def _without_times(expression: str) -> str:
    divided = re.fullmatch(r"\((.*)\) / 60", expression, re.DOTALL)
    return re.sub(r"(?<=[\[:])\d\w+(?=[\]:])|(?<=offset )\w+", "T", divided[1] if divided else expression)
