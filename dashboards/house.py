"""The house style, and the only module that knows grafanalib, whose own classes aim at older Grafanas.

Everything here gives what Grafana 11.6 to 13 reads: the current schema version, data sources by variable, a refId for
every query, no limit of 100 points, and nothing that is null.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grafanalib._gen import DashboardEncoder
from grafanalib.core import Dashboard, GridPos, Panel, Target, Templating, Time

Json = dict[str, Any]

PROMETHEUS: Json = {"type": "prometheus", "uid": "${prometheus}"}
POSTGRES: Json = {"type": "grafana-postgresql-datasource", "uid": "${postgres}"}

DASHBOARDS = "/d/"
"""Where their addresses begin."""
COLUMNS = 24
"""Of Grafana's grid."""

_SCHEMA_VERSION = 41  # of Grafana 11.6, which all later ones migrate
_PLUGIN_VERSION = "11.6.0"
_LEGACY_OF_PANELS = ("editable", "error", "hideTimeOverride")
_LEGACY = ("rows", "sharedCrosshair", "hideControls", "gnetId", "style", "__inputs", "id")


class _Prometheus(Target):  # type: ignore[misc]
    def to_json_data(self) -> Json:
        return {
            "refId": self.refId,
            "datasource": PROMETHEUS,
            "expr": self.expr,
            "format": self.format,
            "instant": self.instant,
            "range": not self.instant,
            "legendFormat": self.legendFormat or "__auto",
            "editorMode": "code",
            "exemplar": False,
        }


class _Sql(Target):  # type: ignore[misc]
    def to_json_data(self) -> Json:
        return {
            "refId": self.refId,
            "datasource": POSTGRES,
            "rawSql": self.expr,
            "rawQuery": True,
            "format": "table",
            "editorMode": "code",
        }


class _Panel(Panel):  # type: ignore[misc]
    def __init__(self, kind: str, field_config: Json, options: Json, **rest: Any) -> None:
        super().__init__(**rest)
        self.own = {
            "type": kind,
            "pluginVersion": _PLUGIN_VERSION,
            "fieldConfig": field_config,
            "options": options,
        }

    def to_json_data(self) -> Json:
        whole = self.panel_json(self.own)
        return {key: value for key, value in whole.items() if key not in _LEGACY_OF_PANELS}


class _Dashboard(Dashboard):  # type: ignore[misc]
    def __init__(self, variables: Sequence[Json], **rest: Any) -> None:
        super().__init__(**rest)
        self.variables = variables

    def to_json_data(self) -> Json:
        kept = {key: value for key, value in super().to_json_data().items() if key not in _LEGACY}
        return kept | {
            "templating": {"list": list(self.variables)},
            "timepicker": {},
            "fiscalYearStartMonth": 0,
            "liveNow": False,
            "preload": False,
            "weekStart": "",
        }


def instant(expressions: Iterable[str]) -> list[Target]:
    """Queries of a table, A, B, …: their value now, one frame each."""
    return [
        _Prometheus(refId=_ref(number), expr=_one_line(expression), format="table", instant=True)
        for number, expression in enumerate(expressions)
    ]


def now(by_legend: Mapping[str, str]) -> list[Target]:
    """Queries of cards: their value now, so that what is gone is not shown as it last was."""
    return [
        _Prometheus(refId=_ref(number), expr=_one_line(expression), legendFormat=legend, instant=True)
        for number, (legend, expression) in enumerate(by_legend.items())
    ]


def over_time(by_legend: Mapping[str, str]) -> list[Target]:
    """Queries of a chart."""
    return [
        _Prometheus(refId=_ref(number), expr=_one_line(expression), legendFormat=legend)
        for number, (legend, expression) in enumerate(by_legend.items())
    ]


def sql(statement: str) -> list[Target]:
    """The query of a table that reads PostgreSQL."""
    return [_Sql(refId="A", expr=_one_line(statement))]


@dataclass(frozen=True, slots=True)
class Tile:
    """One panel before it has its place; everything as Grafana names it."""

    kind: str
    title: str
    description: str
    targets: Sequence[Target]
    defaults: Json
    options: Json
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()
    links: Sequence[Json] = ()
    datasource: Mapping[str, str] | None = None
    """None where it is Prometheus."""
    minimum_step: str | None = None
    """Such as ``2m``: figures over a few scrapes are steadier."""
    transparent: bool = False
    """Without a frame and a ground of its own."""

    def with_link(self, title: str, url: str) -> "Tile":
        """The same panel with a link beside its title."""
        return replace(self, links=[*self.links, link(title, url)])

    def at(self, x: int, y: int, width: int, height: int) -> Panel:
        """Grafanalib's panel, in its place."""
        return _Panel(
            kind=self.kind,
            title=self.title,
            description=self.description,
            transparent=self.transparent,
            dataSource=dict(self.datasource or PROMETHEUS),
            targets=list(self.targets),
            transformations=list(self.transformations),
            links=list(self.links),
            field_config={"defaults": self.defaults, "overrides": list(self.overrides)},
            options=self.options,
            gridPos=GridPos(h=height, w=width, x=x, y=y),
            maxDataPoints=None,
            # Not on the queries: Grafana takes a query's own for the scrape interval, four of which are the least
            # that $__rate_interval spans.
            interval=self.minimum_step,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side, the width shared evenly unless *widths* says otherwise; *height* in rows of the grid."""

    height: int
    tiles: Sequence[Tile]
    widths: Sequence[int] | None = None

    def at(self, y: int) -> Iterable[Panel]:
        """Grafanalib's panels from the left, *y* rows down."""
        widths = self.widths or [COLUMNS // len(self.tiles)] * len(self.tiles)
        for number, (tile, width) in enumerate(zip(self.tiles, widths, strict=True)):
            yield tile.at(sum(widths[:number]), y, width, self.height)


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard: what it is called, and its rows from the top."""

    uid: str
    title: str
    description: str
    time_from: str
    variables: Sequence[Json]
    links: Sequence[Json]
    rows: Sequence[Row]

    def json(self) -> Json:
        """The dashboard as Grafana stores it."""
        panels: list[Panel] = []
        y = 0
        for row in self.rows:
            panels += row.at(y)
            y += row.height
        for number, panel in enumerate(panels, start=1):
            panel.id = number
        dashboard = _Dashboard(
            uid=self.uid,
            title=self.title,
            description=self.description,
            tags=["system-status"],
            timezone="browser",
            refresh="30s",
            time=Time(self.time_from, "now"),
            panels=panels,
            links=list(self.links),
            variables=self.variables,
            templating=Templating(),
            editable=True,  # without it Grafana offers nobody the buttons of table cells
            graphTooltip=1,
            schemaVersion=_SCHEMA_VERSION,
        )
        encoded = json.dumps(dashboard.to_json_data(), cls=DashboardEncoder)
        whole: Json = _without_nulls(json.loads(encoded))
        return whole


def link(title: str, url: str, tooltip: str = "") -> Json:
    """A link of a dashboard or panel; it takes the variables along, and not the time."""
    return {
        "type": "link",
        "title": title,
        "url": url,
        "tooltip": tooltip,
        "icon": "",
        "tags": [],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": False,
        "targetBlank": leaves_grafana(url),
    }


def leaves_grafana(url: str) -> bool:
    """Whether a link must open a tab of its own: in the same one Grafana's router keeps it, and finds no such page."""
    return not url.startswith(DASHBOARDS)


def _ref(number: int) -> str:
    return chr(ord("A") + number)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _without_nulls(value: Any, key: str = "") -> Any:
    """A threshold's first step alone has a null that means something: from minus infinity."""
    if isinstance(value, dict):
        return {
            name: _without_nulls(inner, name) for name, inner in value.items() if inner is not None or name == "value"
        }
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
