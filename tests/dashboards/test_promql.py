"""Every expression is PromQL, and asks for what is served."""

from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest

from jobqueue.catalogue import CONTROL_METRICS, METRICS, Kind
from tests.dashboards.dashboards import CLASSIC, columns, expressions, panel

EXPRESSIONS = dict(expressions())
each_expression = pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())

# What scrapes add; and what histograms have besides.
_LABELS = {metric.name: {*metric.all_labels, "instance", "job"} for metric in (*METRICS, *CONTROL_METRICS)}
_LABELS |= {
    f"{metric.name}_{part}": {*metric.all_labels, *more, "instance", "job"}
    for metric in METRICS
    if metric.kind is Kind.HISTOGRAM
    for part, more in (("bucket", {"le"}), ("sum", set()), ("count", set()))
}
# Prometheus' own, of the rules in alerts/.
_OF_ALERTS = {"alertname", "alertstate", "severity", "source", "job_type", "worker", "collector", "action"}
_LABELS |= {"ALERTS": _OF_ALERTS, "ALERTS_FOR_STATE": _OF_ALERTS}
_OF_CONTROL_API = {"jobqueue_control_actions_total", "jobqueue_control_janitor_removed_total"}


def nodes(node: Any) -> Iterator[Any]:
    """An expression and all that it consists of."""
    yield node
    inner = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param", "vector_selector")]
    for part in [*inner, *(getattr(node, "args", None) or [])]:
        if part is not None:
            yield from nodes(part)


@each_expression
def test_an_expression_parses_and_asks_for_series_that_exist(expression: str) -> None:
    selectors = [node for node in nodes(promql.parse(expression)) if isinstance(node, promql.VectorSelector)]

    assert selectors
    for selector in selectors:
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert asked <= _LABELS[str(selector.name)], selector.name


@each_expression
def test_labels_that_results_are_grouped_by_exist(expression: str) -> None:
    for node in nodes(promql.parse(expression)):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            inside = list(nodes(node.expr))
            known = set().union(*(_LABELS[str(one.name)] for one in inside if isinstance(one, promql.VectorSelector)))
            made = {
                call.args[1].val
                for call in inside
                if isinstance(call, promql.Call) and call.func.name in ("label_replace", "label_join")
            }
            assert set(node.modifier.labels) <= known | made, node.prettify()


@each_expression
def test_replicas_of_the_exporter_never_double_a_figure(expression: str) -> None:
    """Every sum is over what a max has made one of; replicas of the control API each count their own actions."""
    for node in nodes(promql.parse(expression)):
        if isinstance(node, promql.AggregateExpr) and str(node.op) == "sum":
            below = list(nodes(node.expr))
            names = {one.name for one in below if isinstance(one, promql.VectorSelector)}
            single = any(isinstance(one, promql.AggregateExpr) and str(one.op) in ("max", "count") for one in below)
            assert single or names <= _OF_CONTROL_API, node.prettify()


def test_the_tables_keys_let_sources_and_replicas_be() -> None:
    """Queries of a table agree in the key, or its rows would fall apart."""
    scheduled = panel("system-status-jobs", "Scheduled Jobs")

    assert "Source" in columns(scheduled)
    for target in scheduled["targets"]:
        assert "by (source, job_type" in target["expr"]


def test_tables_and_cards_ask_for_now_and_charts_for_a_range() -> None:
    for dashboard in CLASSIC.values():
        for shown in dashboard["panels"]:
            wanted = shown["type"] in ("table", "stat")
            assert {target["instant"] for target in shown["targets"] if "expr" in target} <= {wanted}, shown["title"]


@pytest.mark.parametrize("title", ["Pending", "Ready age", "Ticks missed", "Throughput", "Busy time", "Run duration"])
def test_a_chart_asks_for_few_of_hundreds_of_job_types_or_workers(title: str) -> None:
    """The few are worked out once for the whole range, and not at each of its steps."""
    boards = ("system-status-jobs", "system-status-workers", "system-status-metrics")
    charts = [shown for uid in boards for shown in CLASSIC[uid]["panels"] if shown["type"] == "timeseries"]
    found = [target["expr"] for shown in charts if shown["title"].startswith(title) for target in shown["targets"]]

    assert found
    for expression in found:
        selectors = expression.count("{")
        assert expression.count('job_type=~"$') + expression.count('worker=~"$') == selectors, expression
        assert "topk" not in expression
