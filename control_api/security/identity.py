"""Finds out who sends a request, before anything else is done with it."""

from collections.abc import Sequence
from ipaddress import ip_network

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from control_api.auth import ACTOR, Actor, Authenticator, is_public
from control_api.problems import NotSignedIn
from control_api.security.client import CLIENT
from control_api.security.pace import Pace

_V6_OF_ONE_CUSTOMER = 64


def identified(authenticators: Sequence[Authenticator], failures: Pace) -> Middleware:
    """Let pass what one of *authenticators* vouches for, and what is public.

    The first that recognises credentials decides. Wrong ones from the same address soon have to wait; good ones never
    do, for behind one address there may be many people.
    """

    @web.middleware
    async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_public(request.match_info.handler):
            return await handler(request)
        try:
            request[ACTOR] = await _who(request, authenticators)
        except NotSignedIn as refusal:
            if refusal.reason != _NOTHING_SHOWN:
                address = _origin_of(request[CLIENT])
                failures.check(address, "too-many-failures")
                failures.count(address)
            raise
        return await handler(request)

    return identify


_NOTHING_SHOWN = "no-credentials"


async def _who(request: web.Request, authenticators: Sequence[Authenticator]) -> Actor:
    for authenticator in authenticators:
        actor = await authenticator.authenticate(request)
        if actor is not None:
            return actor
    raise NotSignedIn(
        f"this is for platform admins: {' or '.join(authenticator.hint for authenticator in authenticators)}",
        reason=_NOTHING_SHOWN,
        headers={"WWW-Authenticate": ", ".join(filter(None, (known.challenge for known in authenticators)))},
    )


def _origin_of(address: str) -> str:
    """An IPv6 customer has more addresses than can be remembered: they count as one."""
    return str(ip_network(f"{address}/{_V6_OF_ONE_CUSTOMER}", strict=False)) if ":" in address else address
