"""Figures over time: lines, steps, bars and stacked areas, and timelines of states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from dashboards import house
from dashboards.house import Json, Tile
from dashboards.panels.looks import PLAIN, steps

_HOUR = 3_600_000
_SHOWN = {"legend": False, "tooltip": False, "viz": False}


class Style(Enum):
    """How a figure's kind is drawn."""

    LINES = "lines"
    THIN = "thin"
    """Lines without a fill."""
    STEPS = "steps"
    AREAS = "areas"
    BARS = "bars"

    @property
    def stacked(self) -> bool:
        """Whether series stand on one another."""
        return self in (Style.AREAS, Style.BARS)


_DRAWN: Mapping[Style, Json] = {
    Style.LINES: {"lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 8, "showPoints": "auto"},
    Style.THIN: {"lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 0, "showPoints": "auto"},
    Style.STEPS: {"lineInterpolation": "stepAfter", "lineWidth": 1, "fillOpacity": 20, "showPoints": "never"},
    Style.AREAS: {"lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 45, "showPoints": "never"},
    Style.BARS: {"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 70, "showPoints": "never"},
}


@dataclass(frozen=True, slots=True)
class Axis:
    """The unit of a figure, and the scale that suits it."""

    unit: str
    decimals: int | None = None
    logarithmic: bool = False
    soft_max: float | None = None


SECONDS = Axis("suffix:s", logarithmic=True)
"""Of durations. In minutes and hours the powers of ten would read 1.67 mins and 16.7 mins."""
CLOCK = Axis("dtdhms", soft_max=60)
"""Of ages, such as 00:03:20: Grafana's marks are round numbers of seconds, 3.33 mins in its unit of seconds."""
COUNT = Axis("short", decimals=0, soft_max=4)
"""Of whole things; the soft maximum keeps a line of zeros from an axis up to 100."""


def chart(
    title: str,
    description: str,
    queries: Mapping[str, str],
    axis: Axis,
    style: Style,
    empty: str,
    colors: Mapping[str, str] | None = None,
    minimum_step: str | None = None,
) -> Tile:
    """A time series: *queries* by their legend, *colors* by how a series' name begins.

    *empty* is the sentence shown without any series. Figures over a few scrapes are steadier with a *minimum_step*.
    """
    custom: Json = {
        "drawStyle": "line",
        "gradientMode": "none",
        "pointSize": 4,
        "spanNulls": _HOUR,
        "barAlignment": 0,
        "stacking": {"mode": "normal" if style.stacked else "none", "group": "A"},
        "axisPlacement": "auto",
        "axisLabel": "",
        "axisBorderShow": False,
        "scaleDistribution": {"type": "log", "log": 10} if axis.logarithmic else {"type": "linear"},
        "axisGridShow": not axis.logarithmic,
        "axisSoftMax": axis.soft_max,
        "thresholdsStyle": {"mode": "off"},
        "hideFrom": _SHOWN,
    } | _DRAWN[style]
    return Tile(
        kind="timeseries",
        title=title,
        description=description,
        targets=house.over_time(queries),
        defaults={
            "unit": axis.unit,
            "decimals": axis.decimals,
            "min": None if axis.logarithmic else 0,
            "color": {"mode": "palette-classic"},
            "custom": custom,
            "mappings": [],
            "thresholds": steps(PLAIN),
            "noValue": empty,
        },
        overrides=[_colored(name, color) for name, color in (colors or {}).items()],
        options={
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        minimum_step=minimum_step,
    )


def timeline(
    title: str,
    description: str,
    query: str,
    legend: str,
    words: Sequence[Json],
    limits: Json,
    empty: str,
    minimum_step: str | None = None,
) -> Tile:
    """States over time, one bar each."""
    return Tile(
        kind="state-timeline",
        title=title,
        description=description,
        targets=house.over_time({legend: query}),
        defaults={
            "color": {"mode": "thresholds"},
            "mappings": list(words),
            "thresholds": limits,
            "noValue": empty,
            "custom": {
                "fillOpacity": 60,
                "lineWidth": 0,
                "spanNulls": False,
                "insertNulls": False,  # with a number Grafana shows no gap at all where a query has told its step
                "hideFrom": _SHOWN,
            },
        },
        options={
            "alignValue": "left",
            "mergeValues": True,
            "rowHeight": 0.75,
            "showValue": "never",
            "perPage": 20,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        },
        minimum_step=minimum_step,
    )


def _colored(name: str, color: str) -> Json:
    fixed = {"id": "color", "value": {"mode": "fixed", "fixedColor": color}}
    return {"matcher": {"id": "byRegexp", "options": f"/^{name}/"}, "properties": [fixed]}
