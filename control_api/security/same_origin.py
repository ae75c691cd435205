"""A page of another site can't act in somebody's name, although their browser would send their cookie along."""

from collections.abc import Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from control_api.auth import ACTOR
from control_api.problems import CrossSite
from control_api.security.refusals import SAFE_METHODS


def same_origin(origins: Collection[str]) -> Middleware:
    """Refuse what would change something, unless it's known to come from one of *origins*.

    What a browser says about itself has to be right in whole: ``Sec-Fetch-Site`` is ``same-origin`` and ``Origin`` is
    allowed; one of the two may be missing, since plain HTTP has no ``Sec-Fetch-Site``. A request without cookies whose
    sender is known by a bearer token needs neither: no browser sends one by itself.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in SAFE_METHODS:
            _check(request, origins)
        return await handler(request)

    return check


def _check(request: web.Request, origins: Collection[str]) -> None:
    actor = request.get(ACTOR)
    if actor is not None and actor.bearer and "Cookie" not in request.headers:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if origin == "null":  # as good as nothing: many things have no origin
        origin = None
    if site is None and origin is None:
        raise CrossSite("the request doesn't say where it comes from (Origin or Sec-Fetch-Site)", reason="no-origin")
    if site not in (None, "same-origin"):
        raise CrossSite("only pages of this origin may do that", reason="cross-site")
    if origin is not None and origin not in origins and origin != _own(request):
        raise CrossSite("only pages of the configured origins may do that", reason="wrong-origin")


def _own(request: web.Request) -> str | None:
    """Where this machine's own pages are; elsewhere, what ``Host`` says proves nothing."""
    actor, host = request.get(ACTOR), request.headers.get("Host", "")
    return f"{request.scheme}://{host}".lower() if actor is not None and actor.by == "loopback" else None
