"""The part of Prometheus's HTTP API that dashboards read. What administers it isn't reachable from here."""

from aiohttp import web

from preview.keys import SETTINGS
from preview.upstream import pass_on

PREFIX = "/prometheus/api/v1"
_SENT = ("Accept", "Accept-Encoding", "Content-Type")


def setup_routes(app: web.Application) -> None:
    """Add a route for each question that may be asked."""
    for question in ("query", "query_range"):
        app.router.add_get(f"{PREFIX}/{question}", _ask)
        app.router.add_post(f"{PREFIX}/{question}", _ask)
    app.router.add_get(f"{PREFIX}/label/{{name:[a-zA-Z_][a-zA-Z0-9_]*}}/values", _ask)


async def _ask(request: web.Request) -> web.Response:
    path = request.path.removeprefix("/prometheus")
    return await pass_on(request, f"{request.app[SETTINGS].prometheus_url}{path}", _SENT)
