"""The rules as they are written, and what their expressions are made of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

from jobqueue.catalogue import CONTROL_METRICS, METRICS, Kind

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "alerts/rules").glob("*.yml"))
THRESHOLDS = ("jobqueue:threshold:default", "jobqueue:threshold:override", "jobqueue:threshold:effective")
_SET_OPERATORS_WITHOUT_RIGHT = ("and", "unless")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule."""

    name: str
    severity: str
    expression: str
    annotations: dict[str, str]

    @property
    def job_type_in_text(self) -> bool:
        return "$labels.job_type" in self.annotations["description"]


@cache
def rules() -> list[dict[str, Any]]:
    documents = [yaml.safe_load(file.read_text()) for file in RULES]
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


def alerts() -> list[Alert]:
    return [
        Alert(rule["alert"], rule["labels"]["severity"], rule["expr"], rule["annotations"])
        for rule in rules()
        if "alert" in rule
    ]


@cache
def labels_of_metrics() -> dict[str, set[str]]:
    """Every series that a rule may read, with its labels: what is served, and what is recorded."""
    known: dict[str, set[str]] = {}
    for metric in (*METRICS, *CONTROL_METRICS):
        labels = {*metric.all_labels, "instance", "job"}
        if metric.kind is Kind.HISTOGRAM:
            known[f"{metric.name}_bucket"] = labels | {"le"}
            known |= {f"{metric.name}_{part}": labels for part in ("count", "sum")}
        else:
            known[metric.name] = labels
    for rule in rules():
        if "record" in rule:
            level = rule["record"].split(":")[0]
            known[rule["record"]] = set(re.findall("job_type|source|worker|collector", level))
    known["ALERTS"] = {"alertname", "alertstate", "severity", "source", "job_type"}  # Prometheus' own, of our alerts
    return known | {name: {"threshold", "source", "job_type"} for name in THRESHOLDS}


def selectors(node: Any) -> Iterator[promql.VectorSelector]:
    """All selectors below *node*."""
    if isinstance(node, promql.VectorSelector):
        yield node
    for child in _children(node):
        yield from selectors(child)


def unfolded(node: Any) -> Iterator[str]:
    """The names of the series whose labels reach the result as they are: replicas of the exporter would double it."""
    match node:
        case promql.AggregateExpr():
            return
        case promql.BinaryExpr() if str(node.op) in _SET_OPERATORS_WITHOUT_RIGHT:
            yield from unfolded(node.lhs)
        case promql.VectorSelector():
            yield node.name or ""
        case promql.Call() if node.func.name == "absent":
            return
        case _:
            for child in _children(node):
                yield from unfolded(child)


def joined_by(node: Any) -> Iterator[tuple[set[str], set[str]]]:
    """The labels that each ``by`` and ``on`` names, with those that the series below it have."""
    modifier = getattr(node, "modifier", None)
    matching = modifier.matching if isinstance(node, promql.BinaryExpr) and modifier is not None else modifier
    if matching is not None and getattr(matching, "labels", None):
        there = set().union(*(labels_of_metrics()[each.name or ""] for each in selectors(node)))
        yield set(matching.labels), there
    for child in _children(node):
        yield from joined_by(child)


def _children(node: Any) -> list[Any]:
    match node:
        case promql.BinaryExpr():
            return [node.lhs, node.rhs]
        case promql.Call():
            return list(node.args)
        case promql.MatrixSelector():
            return [node.vector_selector]
        case promql.AggregateExpr() | promql.ParenExpr() | promql.SubqueryExpr() | promql.UnaryExpr():
            return [node.expr]
        case _:
            return []
