"""The panels' own SQL and no other: a browser names the panel, the statement stands in the dashboard's file."""

from asyncio import Semaphore
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any

from aiohttp import web
from psycopg import AsyncConnection, AsyncCursor, Error
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from preview.binding import UnboundError, bind
from preview.dashboards import Json, find
from preview.keys import SETTINGS

_MAX_ROWS = 5000
_TIMEOUT = "SET LOCAL statement_timeout = '10s'"
_AT_ONCE = Semaphore(4)
_KINDS = {
    **dict.fromkeys(("timestamptz", "timestamp", "date"), "time"),
    **dict.fromkeys(("int2", "int4", "int8", "float4", "float8", "numeric"), "number"),
    "bool": "boolean",
}

_Value = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]


class _Question(BaseModel):
    """Which statement, and the values of the dashboard's variables."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    dashboard: str
    panel: int
    ref_id: Annotated[str, Field(alias="refId")]
    variables: dict[str, Annotated[list[_Value], Field(max_length=1000)]]


def setup_routes(app: web.Application) -> None:
    """Add the one question."""
    app.router.add_post("/preview/sql", _ask)


async def _ask(request: web.Request) -> web.Response:
    """``{"columns": [{"name", "type": time | number | boolean | string}], "rows": [[…]]}``; times are ms since 1970."""
    settings = request.app[SETTINGS]
    try:
        question = _Question.model_validate_json(await request.read())
    except ValidationError as error:
        return _refused(f"not a question: {error.errors(include_url=False, include_input=False)[0]['msg']}")
    dashboard = find(settings.dashboards, question.dashboard)
    sql = None if dashboard is None else _statement(dashboard, question)
    if dashboard is None or sql is None:
        return _refused("there is no such query in the dashboards", status=404)
    unknown = question.variables.keys() - _variables(dashboard)
    if unknown:
        return _refused(f"the dashboard has no variable {min(unknown)}")
    try:
        statement, parameters = bind(sql, question.variables)
        async with _AT_ONCE:
            return web.json_response(await _run(settings.database_url, statement, parameters))
    except (UnboundError, Error) as error:
        return _refused(str(error).strip())


def _statement(dashboard: Json, question: _Question) -> str | None:
    for panel in dashboard["panels"]:
        if panel.get("id") == question.panel:
            for target in panel.get("targets", []):
                if target.get("refId") == question.ref_id and isinstance(target.get("rawSql"), str):
                    return str(target["rawSql"])
    return None


def _variables(dashboard: Json) -> set[str]:
    return {variable["name"] for variable in dashboard.get("templating", {}).get("list", [])}


async def _run(url: str, statement: str, parameters: Sequence[str]) -> Json:
    async with await AsyncConnection.connect(url, application_name="system-status-preview") as conn:
        await conn.set_read_only(True)
        await conn.execute(_TIMEOUT)
        cursor = await conn.execute(statement.encode(), parameters)
        rows = await cursor.fetchmany(_MAX_ROWS)
        return {"columns": _columns(cursor), "rows": [[_plain(value) for value in row] for row in rows]}


def _columns(cursor: AsyncCursor[Any]) -> list[Json]:
    known = cursor.adapters.types
    names = [(column.name, known.get(column.type_code)) for column in cursor.description or ()]
    return [{"name": name, "type": _KINDS.get(kind.name if kind else "", "string")} for name, kind in names]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000
    if isinstance(value, (float, Decimal)):
        return float(value) if isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def _refused(why: str, status: int = 400) -> web.Response:
    return web.json_response({"error": why}, status=status)
