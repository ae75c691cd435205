"""How long an answer may take, whatever it waits for."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from control_api.problems import TooSlow

ANSWER_WITHIN = 15.0
"""Seconds: a statement may take ten, and a connection five."""


@web.middleware
async def patient(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Break off what takes longer. A clean-up goes on in the background."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            return await handler(request)
    except TimeoutError:
        raise TooSlow from None
