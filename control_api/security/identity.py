"""Finds out who sends a request, before anything else is done with it."""

import asyncio
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_network

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from control_api.auth import ACTOR, STRANGER, Actor, Authenticator, Stranger, is_public
from control_api.problems import NotSignedIn, TooManyRequests
from control_api.security.client import CLIENT
from control_api.security.pace import Pace

_V6_OF_ONE_CUSTOMER = 64
_HELD_BACK_AT_ONCE = 4
_HELD_BACK_FOR = 0.02
"""Seconds: so 200 answers a second at most are made for those who guess, and the rest of the time is others'."""


def identified(authenticators: Sequence[Authenticator], failures: Pace) -> Middleware:
    """Let pass what one of *authenticators* vouches for, and what is public.

    The first that recognises credentials decides. An address that has sent too many wrong ones of a kind has to wait
    before anybody is asked about others of that kind from there. Those that the authenticator knows to be good never
    wait for that, for behind one address there may be many people.
    """
    held_back = asyncio.Semaphore(_HELD_BACK_AT_ONCE)

    @web.middleware
    async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_public(request.match_info.handler):
            return await handler(request)
        try:
            request[ACTOR] = await _who(request, authenticators, failures)
        except TooManyRequests:
            async with held_back:
                await asyncio.sleep(_HELD_BACK_FOR)
            raise
        return await handler(request)

    return identify


async def _who(request: web.Request, authenticators: Sequence[Authenticator], failures: Pace) -> Actor:
    for authenticator in authenticators:
        guessing = f"{_origin_of(request[CLIENT])} {authenticator.hint}"
        wait_after_failures = partial(failures.check, guessing, "too-many-failures")
        request[STRANGER] = Stranger(may_be_checked=wait_after_failures)
        try:
            actor = await authenticator.authenticate(request)
        except NotSignedIn:
            wait_after_failures()
            failures.count(guessing)
            raise
        if actor is not None:
            return actor
    raise NotSignedIn(
        f"this is for platform admins: {' or '.join(authenticator.hint for authenticator in authenticators)}",
        reason="no-credentials",
        headers={"WWW-Authenticate": ", ".join(filter(None, (known.challenge for known in authenticators)))},
    )


def _origin_of(address: str) -> str:
    """An IPv6 customer has more addresses than can be remembered: they count as one."""
    return str(ip_network(f"{address}/{_V6_OF_ONE_CUSTOMER}", strict=False)) if ":" in address else address
