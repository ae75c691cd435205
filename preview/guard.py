"""Lets in what this machine's own browser asks for under a name of its own, and sends from a page of ours.

A page of another site can be made to reach 127.0.0.1 by a name that resolves to it (DNS rebinding): it then shows that
name in ``Host``. It can also post to us without being able to read the answer: it then shows itself in ``Origin``.
"""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_CONTENT = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Grafana's components write their styles while they run
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def guarded(port: int) -> Middleware:
    """Refuse with 403 what doesn't name *port* of this machine, or comes from a page of elsewhere."""
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        [host, *others] = request.headers.getall("Host", [""])
        if others or host.lower() not in hosts:
            raise web.HTTPForbidden(text="this machine is called localhost or 127.0.0.1 here")
        if request.method not in _SAFE_METHODS and not _comes_from(f"http://{host.lower()}", request):
            raise web.HTTPForbidden(text="only pages of this origin may do that")
        return await handler(request)

    return check


def _comes_from(own: str, request: web.Request) -> bool:
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    return (site, origin) != (None, None) and site in (None, "same-origin") and origin in (None, own)


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Say what the page may load; what the control API says of its own pages stays."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
