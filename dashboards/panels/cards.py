"""Cards: a row of single figures, as they stand now."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards import house
from dashboards.house import Json, Tile
from dashboards.panels.looks import PLAIN, QUIET, steps, words

_UNKNOWN = -1
_DASH = "\u2003\u2003\u2013\u2003\u2003"
"""With room beside it: Grafana draws letters as large as the longest text allows, and a dash alone would be a bar."""
_NAME = 12
"""Pixels: by itself Grafana makes names so large that one takes two lines, or in a narrow window too small to read."""


@dataclass(frozen=True, slots=True)
class Card:
    """One figure under its name; its query gives one series without labels, 0 or more, or none: then it is a dash."""

    name: str
    query: str
    steps: Json
    unit: str = "locale"
    decimals: int | None = None
    words: Sequence[Json] = ()

    def override(self) -> Json:
        """What sets this card apart, in Grafana's words."""
        given: Json = {
            "unit": self.unit,
            "decimals": self.decimals,
            "thresholds": self.steps,
            "mappings": [*words({_UNKNOWN: (_DASH, QUIET)}), *self.words],
        }
        properties = [{"id": name, "value": value} for name, value in given.items() if value is not None]
        return {"matcher": {"id": "byName", "options": self.name}, "properties": properties}


def cards(title: str, description: str, figures: Sequence[Card]) -> Tile:
    """One panel for all of them, which keeps their widths equal. Grafana would leave out a card without a value."""
    return Tile(
        kind="stat",
        title=title,
        description=description,
        targets=house.now({card.name: f"({card.query}) or vector({_UNKNOWN})" for card in figures}),
        defaults={"color": {"mode": "thresholds"}, "mappings": [], "thresholds": steps(PLAIN), "noValue": "—"},
        overrides=[card.override() for card in figures],
        options={
            "colorMode": "value",
            "graphMode": "none",  # a flat sparkline would fill half the card with colour
            "justifyMode": "center",
            "orientation": "auto",  # side by side where there is room, on a phone in rows
            "textMode": "value_and_name",
            "text": {"titleSize": _NAME},
            "wideLayout": False,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
    )
