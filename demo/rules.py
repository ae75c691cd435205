"""The alert rules as the demo's Prometheus loads them: as they are, or with all their times shortened."""

import re
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[1] / "alerts/rules"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_RANGE = re.compile(r"(?<=[\[:])(\d+)([smhdw])(?=[\]:])|(?<=offset )(\d+)([smhdw])\b")
_WAITS = {"for", "keep_firing_for"}
_DEFAULT = "jobqueue:threshold:default"
_OF_THE_EXPORTER = "data_age_seconds"
"""However fast alerts are, the exporter reads in its own rhythm."""


def faster(document: dict[str, Any], speed: float) -> dict[str, Any]:
    """The rule file *document* with times *speed* times as short: waits, ranges, offsets, thresholds in seconds.

    Names, joins, ratios and counts stay as they are, and so does what isn't in the rules: the grace of a missed tick,
    and the minute after which a worker is offline.
    """
    groups = [{**group, "rules": [_faster(rule, speed) for rule in group["rules"]]} for group in document["groups"]]
    return {**document, "groups": groups}


def write(directory: Path, speed: float) -> Path:
    """Write the rules for *speed* into *directory*; answers with the pattern of their paths."""
    if speed == 1:
        return RULES / "*.yml"
    directory.mkdir()
    for file in RULES.glob("*.yml"):
        document = faster(yaml.safe_load(file.read_text("utf-8")), speed)
        (directory / file.name).write_text(yaml.safe_dump(document), "utf-8")
    return directory / "*.yml"


def _faster(rule: dict[str, Any], speed: float) -> dict[str, Any]:
    def shorter(found: re.Match[str]) -> str:
        count, unit = found[1] or found[3], found[2] or found[4]
        return _milliseconds(int(count) * _SECONDS[unit] / speed)

    expression = _RANGE.sub(shorter, rule["expr"])
    threshold = rule["labels"]["threshold"] if rule.get("record") == _DEFAULT else ""
    if threshold.endswith("_seconds") and threshold != _OF_THE_EXPORTER:
        expression = f"({expression}) / {speed}"
    waits = {key: _milliseconds(int(rule[key][:-1]) * _SECONDS[rule[key][-1]] / speed) for key in _WAITS & rule.keys()}
    return {**rule, "expr": expression, **waits}


def _milliseconds(seconds: float) -> str:
    return f"{round(1000 * seconds)}ms"
