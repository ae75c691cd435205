"""What can be wrong with built dashboards and passes without a word in Grafana."""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from dashboards.build import built
from dashboards.files import FOLDER, OURS, TABBED, text
from dashboards.house import COLUMNS, Json, leaves_grafana
from jobqueue.catalogue import CONTROL_METRICS, METRICS, Kind

_GLOBALS = re.compile(
    r"__(all|from|to|range|range_s|interval|interval_ms|rate_interval|url_time_range|data\..+|value\..+)"
)
_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[^}:]+)(?::[^}]*)?\})")
_METRIC = re.compile(r"\bjobqueue_\w+")
_DASHBOARD = re.compile(r"/d/(?P<uid>[\w-]+)")


def faults(folder: Path = FOLDER) -> Iterator[str]:
    """One line for everything that is wrong with the files in *folder*."""
    dashboards = built()
    yield from _stale(folder, dashboards)
    for name, dashboard in dashboards.items():
        strings = list(_strings(dashboard))
        found = [
            *_unknown_variables(dashboard, strings),
            *_unknown_metrics(strings),
            *_dead_links(strings, {uid.removesuffix(".json") for uid in dashboards if uid != TABBED}),
            *_swallowed_links(dashboard),
        ]
        if name != TABBED:
            found += _misplaced(dashboard)
        yield from (f"{name}: {fault}" for fault in dict.fromkeys(found))


def _stale(folder: Path, dashboards: Mapping[str, Json]) -> Iterator[str]:
    present = {path.name: path.read_text("utf-8") for path in folder.glob(OURS)}
    for name, dashboard in dashboards.items():
        if name not in present:
            yield f"{name}: not built: run python -m dashboards build"
        elif present[name] != text(dashboard):
            yield f"{name}: stale: run python -m dashboards build"
    for name in present.keys() - dashboards.keys():
        yield f"{name}: no dashboard of ours any more: run python -m dashboards build"


def _misplaced(dashboard: Json) -> Iterator[str]:
    places = [(panel["title"], panel["gridPos"]) for panel in dashboard["panels"]]
    for title, place in places:
        if place["x"] < 0 or place["x"] + place["w"] > COLUMNS:
            yield f"panel {title!r} leaves the {COLUMNS} columns"
    for (one, a), (other, b) in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not (beside or above):
            yield f"panels {one!r} and {other!r} overlap"


def _unknown_variables(dashboard: Json, strings: list[str]) -> Iterator[str]:
    if "templating" in dashboard:
        declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    else:
        declared = {variable["spec"]["name"] for variable in dashboard["spec"]["variables"]}
    for string in strings:
        for match in _VARIABLE.finditer(string):
            name = match["plain"] or match["braced"]
            if name not in declared and not _GLOBALS.fullmatch(name):
                yield f"variable ${{{name}}} is not declared"


def _unknown_metrics(strings: list[str]) -> Iterator[str]:
    known = {metric.name for metric in (*METRICS, *CONTROL_METRICS)}
    known |= {
        metric.name + suffix
        for metric in METRICS
        if metric.kind is Kind.HISTOGRAM
        for suffix in ("_bucket", "_sum", "_count")
    }
    for string in strings:
        for name in _METRIC.findall(string):
            if name not in known:
                yield f"metric {name} is not in the catalogue"


def _dead_links(strings: list[str], uids: set[str]) -> Iterator[str]:
    for string in strings:
        for match in _DASHBOARD.finditer(string):
            if match["uid"] not in uids:
                yield f"link to /d/{match['uid']}, which is no dashboard"


def _swallowed_links(value: Any) -> Iterator[str]:
    match value:
        case {"title": title, "url": str(url), **more} if leaves_grafana(url) and not more.get("targetBlank"):
            yield f"link {title!r} to {url} opens in the same tab, where Grafana finds no such page"
        case dict():
            for inner in value.values():
                yield from _swallowed_links(inner)
        case list():
            for inner in value:
                yield from _swallowed_links(inner)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
