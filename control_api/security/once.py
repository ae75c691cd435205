"""What decides something is said once: of two headers a proxy may have read the one, and we the other."""

from aiohttp import web
from aiohttp.typedefs import Handler

from control_api.problems import BadInput

DECIDING = (
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Expect",
    "Host",
    "Idempotency-Key",
    "Origin",
    "Sec-Fetch-Site",
    "Transfer-Encoding",
)
"""Each tells who asks, from where, what for, or where the body ends. Two of ``Authorization`` are wrong credentials."""


@web.middleware
async def once(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request that has one of ``DECIDING`` twice."""
    for name in DECIDING:
        if len(request.headers.getall(name, ())) > 1:
            raise BadInput(f"the header {name} comes more than once", reason="repeated-header")
    return await handler(request)
