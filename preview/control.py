"""The control API on the page's own origin, as a reverse proxy puts it on Grafana's."""

from aiohttp import web

from preview.keys import SETTINGS
from preview.upstream import pass_on

_SENT = (
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Origin",
    "Sec-Fetch-Site",
    "User-Agent",
    "X-Grafana-Action",
)
_ANSWERED = (
    "Cache-Control",
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "WWW-Authenticate",
)


def setup_routes(app: web.Application) -> None:
    """Add what the control API serves to people; its metrics and health are for others."""
    for path in ("/control", "/control/{rest:.*}", "/platform/system-status", "/admin/system-status"):
        app.router.add_get(path, _ask)
    app.router.add_post("/control/{rest:.*}", _ask)


async def _ask(request: web.Request) -> web.Response:
    # Its loopback authenticator wants its own name in Host, which the client sets, and the guard has seen to ours.
    # Origin stays the browser's: the control API is told by its configuration that this one is allowed.
    return await pass_on(
        request, f"{request.app[SETTINGS].control_url}{request.raw_path.partition('?')[0]}", _SENT, _ANSWERED
    )
