"""The line at the top of each dashboard that is there only while something can't be read."""

from dashboards import house
from dashboards.columns import RELATIVE_TIME
from dashboards.house import Json, Row, Tile
from dashboards.panels.looks import SOON, WRONG, steps, words
from dashboards.promql import trouble

_MORE = "⚠ Sources that can't be read, in all"
_LETTERS = 15
"""Pixels: two lines of them, as on a phone, fit."""
_LINE = 2
"""Rows of the grid, which stand empty on a calm day: a single one would cut the letters."""


def unless_unread(calm: str) -> str:
    """The text of an empty panel: *calm*, a sentence without its end, and that the source may be unreadable."""
    return f"{calm}, or the source can't be read: then a line at the top says why."


def line() -> Row:
    """Which source can't be read, why, and since when; invisible while all can."""
    return Row(_LINE, [_unreadable()])


def _unreadable() -> Tile:
    return Tile(
        kind="stat",
        title="",
        description="What can't be read now, why, and when it was last read. What it would show is missing below.",
        targets=house.now(
            {
                "⚠ {{source}} can't be read: {{why}}. Last read:": trouble.sources(),
                _MORE: trouble.more_sources(),
                "⚠ Part of {{source}} can't be read: {{why}} (see Health). Last read:": trouble.parts(),
                "⚠ {{source}}: no exporter is scraped. Last seen:": trouble.sources_without_exporter(),
                "⚠ Counts of {{source}} can't be kept: {{why}} (see Health). Last kept:": trouble.counts_not_kept(),
                "⚠ No exporter is scraped. Last seen:": trouble.no_source_at_all(),
            }
        ),
        defaults={
            "unit": RELATIVE_TIME,
            "color": {"mode": "thresholds"},
            "mappings": words({0: ("never", WRONG)}),
            # Without a value Grafana paints the first step's colour: nothing is to be seen then.
            "thresholds": steps("transparent", (0, WRONG)),
            "noValue": " ",
        },
        overrides=[
            _of("byRegexp", "/^⚠ Counts of /", thresholds=steps("transparent", (0, SOON))),
            _of("byRegexp", f"/^{_MORE}$/", unit="locale"),
        ],
        options={
            "colorMode": "background_solid",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "vertical",
            "textMode": "value_and_name",
            "wideLayout": True,
            "text": {"titleSize": _LETTERS, "valueSize": _LETTERS},
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
        transparent=True,
    )


def _of(matcher: str, names: str, **properties: object) -> Json:
    return {
        "matcher": {"id": matcher, "options": names},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }
