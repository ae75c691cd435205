"""The same panels as one dashboard with real tabs: the v2 schema, which Grafana has from 13 on."""

from typing import Any

from dashboards import navigation
from dashboards.house import Json, link

_API_VERSION = "dashboard.grafana.app/v2"
_HIDE = {0: "dontHide", 1: "hideLabel", 2: "hideVariable"}
_REFRESH = {0: "never", 1: "onDashboardLoad", 2: "onTimeRangeChanged"}
_SORT = {0: "disabled", 1: "alphabeticalAsc"}
_INTERVALS = ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"]


def tabbed(dashboards: list[Json]) -> Json:
    """One resource of the classic *dashboards*, each of which becomes a tab. They share variables and time range."""
    elements: Json = {}
    tabs = []
    for dashboard in dashboards:
        items = []
        for panel in dashboard["panels"]:
            name = f"{dashboard['uid'].removeprefix('system-status-')}-{panel['id']}"
            elements[name] = _element(panel, len(elements) + 1, _own_range(panel, dashboard, dashboards[0]))
            items.append(_item(panel["gridPos"], name))
        layout = {"kind": "GridLayout", "spec": {"items": items}}
        title = navigation.TITLES[dashboard["uid"]]
        tabs.append({"kind": "TabsLayoutTab", "spec": {"title": title, "layout": layout}})
    first = dashboards[0]
    variables = {variable["name"]: variable for board in dashboards for variable in board["templating"]["list"]}
    return {
        "apiVersion": _API_VERSION,
        "kind": "Dashboard",
        "metadata": {"name": navigation.TABBED},
        "spec": {
            "title": "System Status",
            "description": "Scheduled jobs, workers, and how each job type has done.",
            "tags": first["tags"],
            "editable": first["editable"],
            "preload": False,
            "liveNow": False,
            "cursorSync": "Crosshair",
            "annotations": [],
            "links": [
                link(navigation.TITLES[uid], f"/d/{uid}", f"System Status: {navigation.TITLES[uid]}")
                for uid in navigation.TITLES
                if uid not in navigation.TABS
            ],
            "variables": [_variable(variable) for variable in variables.values()],
            "timeSettings": {
                "timezone": first["timezone"],
                "from": first["time"]["from"],
                "to": first["time"]["to"],
                "autoRefresh": first["refresh"],
                "autoRefreshIntervals": _INTERVALS,
                "hideTimepicker": False,
                "fiscalYearStartMonth": 0,
            },
            "elements": elements,
            "layout": {"kind": "TabsLayout", "spec": {"tabs": tabs}},
        },
    }


def _own_range(panel: Json, dashboard: Json, first: Json) -> str | None:
    """What a chart's own time range is where its tab is meant for another than the first: tabs have none."""
    begins = dashboard["time"]["from"]
    is_chart = panel["type"] in ("timeseries", "state-timeline")
    return begins.removeprefix("now-") if is_chart and begins != first["time"]["from"] else None


def _element(panel: Json, number: int, own_range: str | None) -> Json:
    transformations = [
        {"kind": "Transformation", "group": step["id"], "spec": {"options": step["options"]}}
        for step in panel["transformations"]
    ]
    options = {"interval": panel.get("interval"), "timeFrom": own_range}
    data = {
        "queries": [_query(target) for target in panel["targets"]],
        "transformations": transformations,
        "queryOptions": {key: value for key, value in options.items() if value is not None},
    }
    return {
        "kind": "Panel",
        "spec": {
            "id": number,
            "title": panel["title"],
            "description": panel["description"],
            "links": [{key: link[key] for key in ("title", "url", "targetBlank")} for link in panel["links"]],
            "transparent": panel["transparent"],
            "data": {"kind": "QueryGroup", "spec": data},
            "vizConfig": {
                "kind": "VizConfig",
                "group": panel["type"],
                "version": panel["pluginVersion"],
                "spec": {"options": panel["options"], "fieldConfig": panel["fieldConfig"]},
            },
        },
    }


def _query(target: Json) -> Json:
    rest = {key: value for key, value in target.items() if key not in ("refId", "datasource")}
    query = _data_query(target["datasource"], rest)
    return {"kind": "PanelQuery", "spec": {"refId": target["refId"], "hidden": False, "query": query}}


def _data_query(source: Json, spec: Json) -> Json:
    return {
        "kind": "DataQuery",
        "group": source["type"],
        "version": "v0",
        "datasource": {"name": source["uid"]},
        "spec": spec,
    }


def _item(place: Json, name: str) -> Json:
    return {
        "kind": "GridLayoutItem",
        "spec": {
            "x": place["x"],
            "y": place["y"],
            "width": place["w"],
            "height": place["h"],
            "element": {"kind": "ElementReference", "name": name},
        },
    }


def _variable(variable: Json) -> Json:
    common: dict[str, Any] = {
        "name": variable["name"],
        "label": variable["label"],
        "hide": _HIDE[variable["hide"]],
        "skipUrlSync": variable["skipUrlSync"],
        "current": variable.get("current", {"text": "", "value": ""}),
        "options": variable["options"],
        "multi": variable["multi"],
        "includeAll": variable["includeAll"],
        "allowCustomValue": False,
        "refresh": _REFRESH[variable["refresh"]],
        "regex": variable["regex"],
    }
    if variable["type"] == "datasource":
        return {"kind": "DatasourceVariable", "spec": common | {"pluginId": variable["query"]}}
    return {
        "kind": "QueryVariable",
        "spec": common
        | {
            "sort": _SORT[variable["sort"]],
            "query": _data_query(variable["datasource"], variable["query"]),
        },
    }
