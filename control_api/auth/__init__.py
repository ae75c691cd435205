"""Who may act: platform admins only, found out by one of several authenticators."""

from collections.abc import Callable, Mapping

from control_api.auth.actor import ACTOR, STRANGER, Actor, Authenticator, Stranger, is_public, public, require
from control_api.auth.grafana import GrafanaAuthenticator
from control_api.auth.loopback import LoopbackAuthenticator
from control_api.auth.token import TokenAuthenticator
from control_api.settings import ControlSettings
from control_api.sources import ControlledSource

__all__ = [
    "ACTOR",
    "STRANGER",
    "Actor",
    "Authenticator",
    "GrafanaAuthenticator",
    "LoopbackAuthenticator",
    "Stranger",
    "TokenAuthenticator",
    "authenticators",
    "is_public",
    "public",
    "require",
]


def authenticators(settings: ControlSettings, sources: Mapping[str, ControlledSource]) -> list[Authenticator]:
    """Make the configured ones, in their order. Tokens are those of the first source's database."""
    known: Mapping[str, Callable[[], Authenticator]] = {
        "grafana": lambda: GrafanaAuthenticator(settings),
        "token": lambda: TokenAuthenticator(next(iter(sources.values()))),
        "loopback": lambda: LoopbackAuthenticator(settings),
    }
    return [known[name]() for name in settings.auth]
