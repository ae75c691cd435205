"""Asks another program on this machine, and hands its answer on."""

from collections.abc import Collection, Mapping

from aiohttp import ClientError, ClientSession, ClientTimeout, web

CLIENT = web.AppKey("client", ClientSession)

_ANSWERED = ("Content-Type", "Content-Encoding", "Location", "Retry-After", "ETag", "Last-Modified", "Allow", "Vary")
_TIMEOUT = ClientTimeout(total=60, connect=5)


def open_client() -> ClientSession:
    """Make the client: bodies pass as they are, redirects are the browser's to follow."""
    return ClientSession(timeout=_TIMEOUT, auto_decompress=False, skip_auto_headers=("Accept-Encoding", "User-Agent"))


async def pass_on(
    request: web.Request, url: str, sent: Collection[str], answered: Collection[str] = ()
) -> web.Response:
    """Send *request* on to *url* with its query, its body and the headers named in *sent*.

    Of the answer's headers the usual ones come back, and *answered*. Raises ``HTTPBadGateway`` when nobody answers.
    """
    headers = {name: request.headers[name] for name in sent if name in request.headers}
    body = await request.read() if request.can_read_body else None
    try:
        async with request.app[CLIENT].request(
            request.method, url, params=request.rel_url.query, data=body, headers=headers, allow_redirects=False
        ) as answer:
            content = await answer.read()
            returned = _picked(answer.headers, (*_ANSWERED, *answered))
            return web.Response(status=answer.status, body=content, headers=returned)
    except (ClientError, TimeoutError) as error:
        raise web.HTTPBadGateway(text=f"no answer from {url}: {str(error) or 'it took too long'}") from None


def _picked(headers: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}
