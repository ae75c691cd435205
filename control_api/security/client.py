"""Where a request comes from: what a proxy says of it counts only if it's ours."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from jobqueue.config.control import Network

Address = IPv4Address | IPv6Address

CLIENT = web.RequestKey("client", str)
"""The address of whoever speaks to us over the network."""


def forwarded(proxies: Sequence[Network]) -> Middleware:
    """Note where each request comes from. ``X-Forwarded-For`` is believed from *proxies* alone."""

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[CLIENT] = _client(request, proxies)
        return await handler(request)

    return note


def _client(request: web.Request, proxies: Sequence[Network]) -> str:
    address = _parsed(request.remote or "")
    if address is None:
        return "unknown"
    # Each proxy adds whom it heard it from at the end: backwards, up to the first that isn't ours.
    for hop in reversed(_list(request, "X-Forwarded-For")):
        if not _is_ours(address, proxies):
            break
        said = _parsed(hop)
        if said is None:
            break
        address = said
    return str(address)


def _list(request: web.Request, header: str) -> list[str]:
    return [item for part in ",".join(request.headers.getall(header, [])).split(",") if (item := part.strip())]


def _is_ours(address: Address, proxies: Sequence[Network]) -> bool:
    return any(address in network for network in proxies)


def _parsed(text: str) -> Address | None:
    """An address, with or without a port or a zone."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
