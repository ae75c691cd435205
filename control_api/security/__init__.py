"""What stands between the network and the views, in one order.

1. a **reference** for the log (`rendering.referenced`)
2. **where** it comes from; ``X-Forwarded-For`` from our own proxies alone (`client`)
3. **problems** become answers, refusals are counted and logged (`rendering`, `refusals`)
4. **once**: no header that decides something comes twice (`once`)
5. **patience**: an answer takes seconds or is broken off (`patience`)
6. **who** it is; what isn't marked as public needs somebody (`identity`)
7. **same origin**: what changes something doesn't come from another site (`same_origin`)
8. **bodies**: a small form or JSON (`bodies`)
9. **pace**: nobody acts more often than people do (`pace`)

Headers are added to whatever is sent at last (`headers`). What isn't HTTP never comes here: `unread` answers it.
"""

from collections.abc import Collection, Sequence

from aiohttp import web

from control_api.auth import Authenticator
from control_api.security.bodies import MAX_BODY, readable
from control_api.security.client import CLIENT, forwarded
from control_api.security.headers import add_headers
from control_api.security.identity import identified
from control_api.security.once import once
from control_api.security.pace import Pace, paced
from control_api.security.patience import patient
from control_api.security.refusals import REFUSALS, Refusals
from control_api.security.rendering import ProblemPage, plain_page, referenced, rendered, unread
from control_api.security.same_origin import same_origin
from control_api.settings import ControlSettings

__all__ = ["CLIENT", "MAX_BODY", "REFUSALS", "ProblemPage", "Refusals", "secure", "unread"]


def secure(
    app: web.Application,
    settings: ControlSettings,
    authenticators: Sequence[Authenticator],
    sources: Collection[str],
    page: ProblemPage = plain_page,
) -> None:
    """Put all of it before the handlers of *app*.

    That is to be made with ``client_max_size=MAX_BODY`` and served by ``jobqueue.serving.Runner``: aiohttp alone would
    unpack a body before anybody is asked. *sources* are the names that may be a label of a refusal.
    """
    app[REFUSALS] = refusals = Refusals(sources)
    app.middlewares.extend(
        (
            referenced,
            forwarded(settings.trusted_proxies),
            rendered(refusals, page),
            once,
            patient,
            identified(authenticators, Pace(per_minute=10, burst=10)),
            same_origin(settings.origins),
            readable,
            paced(Pace(per_minute=30, burst=10)),
        )
    )
    app.on_response_prepare.append(add_headers)

    async def close(app: web.Application) -> None:
        for authenticator in authenticators:
            await authenticator.close()

    app.on_cleanup.append(close)
