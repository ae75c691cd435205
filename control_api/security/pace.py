"""How often somebody may do something: a burst, and then so many a minute."""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from control_api.auth import ACTOR
from control_api.problems import TooManyRequests
from control_api.security.refusals import SAFE_METHODS

_ROUNDING = 1e-6  # seconds


class Pace:
    """Keeps one moment for each name: when all that was counted is paid off, one piece after the other.

    Only the newest so many names are remembered.
    """

    def __init__(
        self, per_minute: float, burst: int, clock: Callable[[], float] = monotonic, remembered: int = 10_000
    ) -> None:
        self._each = 60.0 / per_minute
        self._ahead = (burst - 1) * self._each
        self._clock = clock
        self._remembered = remembered
        self._paid_off: OrderedDict[str, float] = OrderedDict()

    def check(self, name: str, reason: str) -> None:
        """Raise ``TooManyRequests`` if *name* has to wait."""
        wait = self._paid_off.get(name, 0.0) - self._clock() - self._ahead
        if wait > _ROUNDING:
            raise TooManyRequests("that was too often in a short time", reason=reason, retry_after=ceil(wait))

    def count(self, name: str) -> None:
        """Count once for *name*."""
        self._paid_off[name] = max(self._paid_off.pop(name, 0.0), self._clock()) + self._each
        if len(self._paid_off) > self._remembered:
            self._paid_off.popitem(last=False)

    def __len__(self) -> int:
        return len(self._paid_off)


def paced(pace: Pace) -> Middleware:
    """Hold back an actor who wants to change something too often."""

    @web.middleware
    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        actor = request.get(ACTOR)
        if request.method not in SAFE_METHODS and actor is not None:
            pace.check(actor.name, "too-many-requests")
            pace.count(actor.name)
        return await handler(request)

    return hold
