"""Whoever sits at this machine, for trying things out."""

import re
from ipaddress import ip_address

from aiohttp import web

from control_api.actions import Action
from control_api.auth.actor import Actor
from control_api.problems import Forbidden
from control_api.settings import ControlSettings, is_loopback

_SIGNS_OF_A_PROXY = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via")
_OWN_HOST = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:(?P<port>[0-9]{1,5}))?", re.IGNORECASE)


class LoopbackAuthenticator:
    """Lets in what comes from this machine and asks for it by a name of its own.

    A page of another site can be made to reach 127.0.0.1 by a name that resolves to it (DNS rebinding): it then
    shows that name in ``Host``.
    """

    hint = "come from this machine"
    challenge = None

    def __init__(self, settings: ControlSettings) -> None:
        if not is_loopback(settings.host):
            raise ValueError("the loopback authenticator serves on a loopback address only")

    async def authenticate(self, request: web.Request) -> Actor | None:
        """See ``Authenticator``."""
        address = _address(request, "peername")
        if address is None or not ip_address(address[0]).is_loopback:
            raise Forbidden("only this machine is let in", reason="not-loopback")
        if any(name in request.headers for name in _SIGNS_OF_A_PROXY):
            raise Forbidden("only this machine itself is let in, and a proxy sent this", reason="came-through-a-proxy")
        if not _is_own(request.headers.getall("Host", []), _address(request, "sockname")):
            raise Forbidden("this machine is called localhost or 127.0.0.1 here", reason="foreign-host")
        return Actor("loopback:admin", frozenset(Action), "loopback")

    async def close(self) -> None:
        """Nothing is held."""


def _address(request: web.Request, what: str) -> tuple[str, int] | None:
    info = request.get_extra_info(what)
    return (info[0].partition("%")[0], info[1]) if isinstance(info, tuple) else None


def _is_own(hosts: list[str], served: tuple[str, int] | None) -> bool:
    match = _OWN_HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return match is not None and served is not None and int(match["port"] or 80) == served[1]
