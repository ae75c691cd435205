"""Asking what an action would do, and ordering it."""

from urllib.parse import unquote_to_bytes
from uuid import uuid4

from aiohttp import web

from control_api import audit
from control_api.accept import wants_html
from control_api.actions import Action
from control_api.audit import AuditEntry, Request
from control_api.auth import require
from control_api.keys import DESK, LINKS
from control_api.problems import BadInput, NotFound, Unprocessable
from control_api.views import words
from control_api.views.audit import REPLAYED
from control_api.views.documents import asked_document, entry_document
from control_api.views.order import read_order, storable
from control_api.views.pages import data, page
from jobqueue.bounds import NAMES

_CUT_OFF = NAMES["job_type"] + 1
"""A name of so many characters may be one that was cut, and is none that the queue knows."""


async def ask(action: Action, request: web.Request) -> web.Response:
    """Say what would happen now; on a page, with a form that does it."""
    require(request, action)
    desk, links = request.app[DESK], request.app[LINKS]
    job_type = _job_type(request) if action is Action.RUN else None
    asked = await desk.ask(_source(request), action, job_type)
    if wants_html(request):
        return await page(
            request,
            "ask.html.j2",
            asked=asked,
            job_type=job_type,
            request_id=uuid4(),
        )
    return data(asked_document(asked, links))


async def order(action: Action, request: web.Request) -> web.Response:
    """Do it, once for each request id; show what came of it."""
    actor = require(request, action)
    wanted = await read_order(request)
    entry = await request.app[DESK].act(
        Request(
            source=_source(request),
            action=action,
            actor=actor.name,
            request_id=wanted.request_id,
            is_button=wanted.is_button,
            job_type=_job_type(request, wanted.job_type) if action is Action.RUN else None,
            shown_at=wanted.shown_at if words.destructive(action) else None,
        )
    )
    return _done(request, entry)


def _done(request: web.Request, entry: AuditEntry) -> web.Response:
    links = request.app[LINKS]
    location = links.entry(entry.source, entry.id)
    if wants_html(request):
        raise web.HTTPSeeOther(f"{location}?{REPLAYED}" if entry.replayed else location)
    # A failure has to be one for curl -f and for Grafana; not one of 500 and more, which invites to try again blindly.
    status = {audit.DONE: 200, audit.RUNNING: 202}.get(entry.state, 409)
    return data(entry_document(entry, links), status=status, location=location)


def _source(request: web.Request) -> str:
    return request.match_info["source"]


def _job_type(request: web.Request, ordered: str | None = None) -> str:
    try:
        unquote_to_bytes(request.rel_url.raw_path).decode()
    except UnicodeDecodeError:
        raise BadInput("the address isn't UTF-8") from None
    # In the path it is percent-decoded once, by the router.
    job_type = request.match_info.get("job_type") or ordered or request.query.get("job_type")
    if not job_type:
        raise Unprocessable("which job is to run? Say its job_type")
    if not storable(job_type):
        raise NotFound("no job type has such a name")
    if len(job_type) >= _CUT_OFF:
        raise Unprocessable(f"a job type of {_CUT_OFF} characters or more can't be run from here")
    return job_type
