"""Who acts, and what they may."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from aiohttp import web

from control_api.actions import Action
from control_api.problems import Forbidden

Handler = TypeVar("Handler", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who was let in; ``name`` says by whom, as in ``grafana:ann``, ``token:ci``, ``loopback:admin``."""

    name: str
    allowed: frozenset[Action]
    by: Literal["grafana", "token", "loopback"]
    bearer: bool = False
    """Known by a header that no browser sends by itself."""


class Authenticator(Protocol):
    """One way to find out who sends a request."""

    @property
    def hint(self) -> str:
        """What somebody without credentials can do about it, such as ``sign in to Grafana``."""

    @property
    def challenge(self) -> str | None:
        """For ``WWW-Authenticate``."""

    async def authenticate(self, request: web.Request) -> Actor | None:
        """Tell who it is; None for a request without credentials of this kind.

        Raises ``NotSignedIn`` for wrong ones, ``Forbidden`` for somebody who isn't a platform admin, ``CannotCheck``,
        and what ``request[STRANGER]`` raises before it asks anybody about credentials that it hasn't seen to be good.
        """

    async def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """The sender of credentials that aren't known to be good."""

    may_be_checked: Callable[[], None]
    """To be called before anybody is asked about them; raises ``TooManyRequests`` after too many wrong ones."""


STRANGER = web.RequestKey("stranger", Stranger)
"""Set for every request that an authenticator is asked about."""
ACTOR = web.RequestKey("actor", Actor)
"""Who sends the request; set for every handler that isn't public."""


def public(handler: Handler) -> Handler:
    """Mark a handler as open to everybody."""
    handler.public = True  # type: ignore[attr-defined]  # read by is_public alone
    return handler


def is_public(handler: object) -> bool:
    """Whether a handler says of itself that it is."""
    return getattr(handler, "public", False) is True


def require(request: web.Request, action: Action) -> Actor:
    """Answer who asks, if they may do *action*. Raises ``Forbidden``."""
    actor = request[ACTOR]
    if action not in actor.allowed:
        may = ", ".join(sorted(actor.allowed)) or "nothing"
        raise Forbidden(f"{actor.name} may not {action}; it may: {may}", reason="action-not-allowed")
    return actor
