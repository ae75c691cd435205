"""The dashboards' JSON files, read anew at each question, so that a build shows at the next refresh."""

import json
from pathlib import Path
from typing import Any

from aiohttp import web

from preview.keys import SETTINGS

Json = dict[str, Any]


def setup_routes(app: web.Application) -> None:
    """Add the list and each dashboard."""
    app.router.add_get("/preview/dashboards", _list)
    app.router.add_get("/preview/dashboards/{uid}", _one)


def load_all(folder: Path) -> list[Json]:
    """Every classic dashboard in *folder*, by file name; other files (the v2 layout) aren't drawn here."""
    found = (json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json")))
    return [dashboard for dashboard in found if isinstance(dashboard.get("panels"), list) and dashboard.get("uid")]


def find(folder: Path, uid: str) -> Json | None:
    """The dashboard with that *uid*."""
    return next((dashboard for dashboard in load_all(folder) if dashboard["uid"] == uid), None)


async def _list(request: web.Request) -> web.Response:
    dashboards = load_all(request.app[SETTINGS].dashboards)
    return web.json_response([{"uid": one["uid"], "title": one["title"]} for one in dashboards])


async def _one(request: web.Request) -> web.Response:
    dashboard = find(request.app[SETTINGS].dashboards, request.match_info["uid"])
    if dashboard is None:
        return web.json_response({"error": "there is no such dashboard"}, status=404)
    return web.json_response(dashboard)
