"""The built dashboards as the tests read them: panels by title, and all that is asked of Prometheus."""

import re
from collections.abc import Iterator
from typing import Any

from dashboards.build import built
from dashboards.files import TABBED

Json = dict[str, Any]

BUILT = built()
CLASSIC = {dashboard["uid"]: dashboard for name, dashboard in BUILT.items() if name != TABBED}
TABS: Json = BUILT[TABBED]["spec"]

_VALUES = {
    "$__rate_interval": "5m",
    "$__interval": "2m",
    "$source": "main|eu",
    "${source:pipe}": "main|eu",
    "$job_type": "email.send_due",
    "$__range": "6h",
    "$backlogged": "(a|b)",
    "$late": "(a|b)",
    "$hardest_working": "(a|b)",
    "$failing": "(a|b)",
    "$busiest": "(a|b)",
    "$slowest": "(a|b)",
    "$waiting": "(a|b)",
}


def panels() -> Iterator[tuple[str, Json]]:
    """Every panel of the classic dashboards, with its name for a test's id."""
    for uid, dashboard in CLASSIC.items():
        for panel in dashboard["panels"]:
            yield f"{uid}: {panel['title']}", panel


def panel(uid: str, title: str) -> Json:
    """The one panel of that title."""
    found: list[Json] = [panel for panel in CLASSIC[uid]["panels"] if panel["title"] == title]
    (only,) = found
    return only


def columns(table: Json) -> list[str]:
    """The headers that a reader sees of a table, from the left, with two sources on show."""
    hidden = {
        override["matcher"]["options"]
        for override in table["fieldConfig"]["overrides"]
        if any(prop["id"] == "custom.hidden" for prop in override["properties"])
    }
    if statement := table["targets"][0].get("rawSql"):
        headers = re.findall(r'AS "([^"]+)"', statement)
    else:
        organize = table["transformations"][-1]["options"]
        order = sorted(organize["indexByName"], key=organize["indexByName"].__getitem__)
        headers = [organize["renameByName"].get(name, name) for name in order]
    return [header for header in headers if header not in hidden]


def expressions() -> Iterator[tuple[str, str]]:
    """Every PromQL expression as Prometheus gets it, by where it stands: those of panels and those of variables."""
    for name, panel in panels():
        for target in panel["targets"]:
            if "expr" in target:
                yield f"{name} {target['refId']}", _filled_in(target["expr"])
    for uid, dashboard in CLASSIC.items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{uid}: ${variable['name']}", _filled_in(_selector(variable["query"]["query"]))


def _selector(query: str) -> str:
    """What a variable asks: ``query_result(expression)`` or ``label_values(selector, label)``."""
    inner = query[query.index("(") + 1 : -1]
    return inner if query.startswith("query_result") else inner.rsplit(",", 1)[0]


def _filled_in(expression: str) -> str:
    for variable, value in _VALUES.items():
        expression = expression.replace(variable, value)
    assert not re.search(r"\$[A-Za-z_{]", expression), expression
    return expression
