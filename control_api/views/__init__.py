"""Everything that is served, and under which address."""

from functools import partial

from aiohttp import web

from control_api.actions import Action
from control_api.janitor import rhythms
from control_api.keys import DESK, LINKS, METRICS, SETTINGS
from control_api.links import Links
from control_api.metrics import ControlMetrics
from control_api.security import REFUSALS
from control_api.views import actions, audit, description, health, index, redirects, static

_CLEAN_UPS = (Action.JANITOR, Action.FAIL_ACTIVE, Action.CANCEL_PENDING)


def setup_routes(app: web.Application, base: str) -> None:
    """Serve everything below *base*, and at the root what is looked for there: health, metrics, old addresses.

    The desk, the settings and the refusals are in the application already.
    """
    app[LINKS] = Links(base)
    app[METRICS] = ControlMetrics(
        app[DESK], app[REFUSALS].counts, app[LINKS], rhythms(app[DESK].sources, app[SETTINGS])
    )
    app.add_routes(
        [
            web.get("/healthz", health.healthz),
            web.get("/readyz", health.readyz),
            web.get("/metrics", health.metrics),
            web.get("/platform/system-status", redirects.to_dashboard),
            web.get("/admin/system-status", redirects.to_email_queue),
            web.get(base, redirects.to_index),
            web.get(f"{base}/", index.index),
            web.get(f"{base}/openapi.json", description.openapi),
            web.get(f"{base}/static/style.css", static.style),
            web.get(f"{base}/static/icon.svg", static.icon),
            web.get(f"{base}/audit", audit.log),
            web.get(f"{base}/audit/{{id:[^/]+-[0-9]+}}", audit.entry),
            # Any text but a slash: aiohttp's own pattern has no braces, and %2F is no slash yet.
            *_asked_and_ordered(f"{base}/{{source:[^/]+}}/schedules/{{job_type:[^/]+}}/run", Action.RUN),
            *_asked_and_ordered(f"{base}/{{source:[^/]+}}/run", Action.RUN),
            *(
                route
                for action in _CLEAN_UPS
                for route in _asked_and_ordered(f"{base}/{{source:[^/]+}}/{action}", action)
            ),
        ]
    )


def _asked_and_ordered(path: str, action: Action) -> tuple[web.RouteDef, web.RouteDef]:
    return web.get(path, partial(actions.ask, action)), web.post(path, partial(actions.order, action))
