"""Tables: a query for the rows, and for each column its header, where its value comes from, and how it looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dashboards import house
from dashboards.house import POSTGRES, Json, Tile
from dashboards.panels.looks import PLAIN, steps

_CELLS: Json = {
    "custom": {"align": "left", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False, "minWidth": 50},
    "color": {"mode": "thresholds"},
    "mappings": [],
    "thresholds": steps(PLAIN),
}
_UNIQUE_SOURCE: Json = {"id": "filterFieldsByName", "options": {"exclude": {"names": ["$omit"]}}}
_EMPTY_CELLS: Json = {
    "matcher": {"id": "byRegexp", "options": "/.*/"},
    "properties": [{"id": "noValue", "value": "—"}],
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header, where its value comes from, how it is drawn.

    Its value is that of a *query* of its own, or a *field*: a label that the rows' query or its own brings along, or
    ``Value #A``, the value of the rows' query. Widths are in pixels; columns that have none share what is left.
    """

    header: str
    field: str | None = None
    query: str | None = None
    width: int | None = None
    min_width: int | None = None
    align: Literal["left", "center", "right"] = "left"
    wrap: bool = False
    unit: str | None = None
    decimals: int | None = None
    words: Sequence[Json] = ()
    steps: Json | None = None
    links: Sequence[Json] = ()
    titled: bool = False
    """Whether the titles of its links stand in place of its value."""
    actions: Sequence[Json] = ()
    hidden: bool = False
    """In the frame, for links and actions, and not drawn."""

    def override(self) -> Json:
        """What sets this column apart, in Grafana's words."""
        given: Json = {
            "custom.width": self.width,
            "custom.minWidth": self.min_width,
            "custom.align": None if self.align == "left" else self.align,
            # Up to 12.1 Grafana wraps by the cell's options, from 12.2 on by the column's; likewise it hides.
            "custom.cellOptions": {"type": self._cell()} | ({"wrapText": True} if self.wrap else {}),
            "custom.wrapText": self.wrap or None,
            "custom.hidden": self.hidden or None,
            "custom.hideFrom": {"viz": True, "legend": False, "tooltip": False} if self.hidden else None,
            "unit": self.unit,
            "decimals": self.decimals,
            "mappings": list(self.words) or None,
            "thresholds": self.steps,
            "links": list(self.links) or None,
            "actions": list(self.actions) or None,
        }
        properties = [{"id": name, "value": value} for name, value in given.items() if value is not None]
        return {"matcher": {"id": "byName", "options": self.header}, "properties": properties}

    def _cell(self) -> str:
        if self.actions:
            return "actions"
        if self.titled:
            return "data-links"
        return "color-text" if self.words or self.steps else "auto"


def hidden(*fields: str) -> list[Column]:
    """Fields that links and actions need, and nobody reads."""
    return [Column(name, field=name, hidden=True) for name in fields]


def joined(
    title: str,
    description: str,
    rows: str,
    columns: Sequence[Column],
    empty: str,
    sort: Sequence[str] = (),
    left_out: Sequence[str] = (),
    first: str | None = None,
) -> Tile:
    """A table from Prometheus: *rows* gives the keys and texts, each column's query one value per key.

    Queries are joined on the labels that all have: each gives exactly the key, so that any number of sources and
    replicas stays one row per key. *empty* is the sentence shown without rows; *sort* has headers, with ``-`` for
    descending; *left_out* has the labels that the queries need and the table doesn't show. *first* is a query, too:
    the rows for which it is least stand first, whatever *sort* says.
    """
    queries = [rows]
    fields = {}
    for column in columns:
        if column.query is not None:
            queries.append(column.query)
        fields[column.field or _value(len(queries) - 1)] = column.header
    order: list[Json] = []
    if first is not None:
        queries.append(first)
        # Grafana sorts by one field at a time and keeps the order of equals: so the last sort is the strongest. It
        # must be done to the frame, since a table itself sorts by none but its columns.
        by_header = {header: name for name, header in fields.items()}
        order = [_sorted_by(by_header[header]) for header in reversed(sort)] + [_sorted_by(_value(len(queries) - 1))]
        sort = ()
    surplus = ["Time", "Value", *map(_value, range(len(queries))), *left_out]
    organize = {
        "excludeByName": {name: True for name in surplus if name not in fields},
        "indexByName": {name: number for number, name in enumerate(fields)},
        "renameByName": {name: header for name, header in fields.items() if name != header},
        "includeByName": {},
    }
    return Tile(
        kind="table",
        title=title,
        description=description,
        targets=house.instant(queries),
        transformations=[
            {"id": "merge", "options": {}},
            *order,
            _UNIQUE_SOURCE,
            {"id": "organize", "options": organize},
        ],
        defaults=_CELLS | {"noValue": empty},
        overrides=[_EMPTY_CELLS, *(column.override() for column in columns)],
        options=_options(sort),
    )


def selected(title: str, description: str, statement: str, columns: Sequence[Column], empty: str) -> Tile:
    """A table from PostgreSQL, in the order of the statement's rows and columns, whose names are the headers."""
    return Tile(
        kind="table",
        title=title,
        description=description,
        datasource=POSTGRES,
        targets=house.sql(statement),
        transformations=[_UNIQUE_SOURCE],
        defaults=_CELLS | {"noValue": empty},
        overrides=[_EMPTY_CELLS, *(column.override() for column in columns)],
        options=_options(()),
    )


def _options(sort: Sequence[str]) -> Json:
    return {
        "frameIndex": 0,
        "showHeader": True,
        "cellHeight": "sm",
        "sortBy": [{"displayName": name.removeprefix("-"), "desc": name.startswith("-")} for name in sort],
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
    }


def _sorted_by(field: str) -> Json:
    return {"id": "sortBy", "options": {"sort": [{"field": field, "desc": False}]}}


def _value(query: int) -> str:
    return f"Value #{chr(ord('A') + query)}"
