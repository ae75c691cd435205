"""Everything that was refused, counted and logged: by whom it was asked, never with what."""

from collections import Counter
from collections.abc import Collection
from http import HTTPStatus

import structlog
from aiohttp import web

from control_api.actions import Action
from control_api.auth import ACTOR
from control_api.problems import CannotCheck, Problem
from control_api.security.client import CLIENT

log = structlog.get_logger()

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NONE = "none"
"""The label of a refusal that concerns no source or action of ours."""

_ALWAYS = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


class Refusals:
    """How many there were since the start, by source and action; both are ours or ``none``, so they stay few."""

    def __init__(self, sources: Collection[str]) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._sources = frozenset(sources)

    def note(self, request: web.Request, problem: Problem) -> None:
        """Count and log a problem that is a refusal: nobody was let in, or what they wanted done wasn't."""
        wanted = request.method not in SAFE_METHODS and problem.status != HTTPStatus.INTERNAL_SERVER_ERROR
        if not (wanted or problem.status in _ALWAYS or isinstance(problem, CannotCheck)):
            return
        source, action = self._source(request), _action(request)
        self.counts[source, action] += 1
        actor = request.get(ACTOR)
        log.warning(
            "request.refused",
            status=int(problem.status),
            reason=problem.reason,
            client=request[CLIENT],
            actor=actor.name if actor else problem.actor,
            source=source,
            action=action,
        )

    def _source(self, request: web.Request) -> str:
        name = request.match_info.get("source", NONE)
        return name if name in self._sources else NONE


def _action(request: web.Request) -> str:
    resource = request.match_info.route.resource
    name = request.match_info.get("action") or (resource.canonical.rpartition("/")[2] if resource else NONE)
    return name if name in list(Action) else NONE


REFUSALS = web.AppKey("refusals", Refusals)
