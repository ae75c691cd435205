"""Answers: pages from templates for people, JSON for programs."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from control_api.auth import ACTOR
from control_api.keys import LINKS, SETTINGS
from control_api.links import sign_in
from control_api.problems import NotSignedIn, Problem
from control_api.views import times, words
from control_api.views.documents import Document
from jobqueue.schedules import described, phrase

_TEMPLATES = Environment(
    loader=PackageLoader("control_api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "ago": times.ago,
    "breakable": words.breakable,
    "counted": times.counted,
    "exact": times.exact,
    "lasting": times.lasting,
    "phrase": lambda row: phrase(row.cron, dialect=row.dialect),
    "described": lambda row: described(row.description, row.expire_after),
    "sentence": words.sentence,
}
_TEMPLATES.globals["words"] = words


async def page(request: web.Request, template: str, **values: Any) -> web.Response:
    """Answer with a template, filled: in a thread, as others shall not wait for a long page."""
    text = await asyncio.to_thread(_rendered, request, template, values)
    return web.Response(text=text, content_type="text/html", headers={"Vary": "Accept"})


def problem_page(request: web.Request, problem: Problem) -> str:
    """Draw the page about a problem, also for somebody who wasn't let in: it then says how to get in."""
    settings = request.app[SETTINGS]
    ways_in = settings.auth if isinstance(problem, NotSignedIn) else ()
    login = sign_in(settings.dashboard_url)
    return _rendered(request, "problem.html.j2", {"problem": problem, "ways_in": ways_in, "sign_in": login})


def data(document: Document, *, status: int = 200, location: str | None = None) -> web.Response:
    """Answer with JSON."""
    headers = {"Vary": "Accept"} | ({"Location": location} if location else {})
    text = json.dumps(document, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)


def _rendered(request: web.Request, template: str, values: Mapping[str, Any]) -> str:
    """Besides *values* a template knows ``links``, ``dashboard`` and, where there is one, the ``actor``."""
    return _TEMPLATES.get_template(template).render(
        links=request.app[LINKS],
        dashboard=request.app[SETTINGS].dashboard_url,
        actor=request.get(ACTOR),
        **values,
    )
