"""What a request may bring along: a small form or JSON."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from control_api.problems import BadInput, BodyTooLarge, HttpProblem, UnsupportedBody
from control_api.security.refusals import SAFE_METHODS

MAX_BODY = 16 * 1024
"""Bytes."""
_READ_WITHIN = 10.0
_TYPES = frozenset({"application/x-www-form-urlencoded", "application/json"})
_CHARSETS = frozenset({None, "utf-8", "utf8"})


@web.middleware
async def readable(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other kinds of bodies, and read the right ones: a handler's own reading can't block or grow any more."""
    if request.method not in SAFE_METHODS:
        _check_type(request)
        if (request.content_length or 0) > MAX_BODY:
            raise _too_large()
        await _read(request)
    return await handler(request)


def _check_type(request: web.Request) -> None:
    if not request.body_exists and request.content_type == "application/octet-stream":
        return  # what a client says that has nothing to send, and aiohttp of one that says nothing
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedBody("the body is compressed; send it as it is", reason="compressed-body")
    if request.content_type not in _TYPES:
        raise UnsupportedBody(f"the body must be one of: {', '.join(sorted(_TYPES))}", reason="wrong-content-type")
    charset = request.charset
    if (charset.lower() if charset else None) not in _CHARSETS:
        raise UnsupportedBody("the body must be in UTF-8", reason="wrong-charset")


async def _read(request: web.Request) -> None:
    try:
        async with asyncio.timeout(_READ_WITHIN):
            body = await request.read()
    except TimeoutError:
        raise HttpProblem(408) from None
    except (web.RequestPayloadError, ConnectionError):
        raise BadInput("the body ends in the middle") from None
    if len(body) > MAX_BODY:
        raise _too_large()


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"a body may have {MAX_BODY} bytes")
