"""Addresses that people know from before."""

from aiohttp import web

from control_api.auth import public
from control_api.keys import LINKS, SETTINGS
from control_api.problems import NotFound


async def to_dashboard(request: web.Request) -> web.Response:
    """Lead to the dashboard in Grafana."""
    raise web.HTTPFound(request.app[SETTINGS].dashboard_url)


@public  # for the members of organizations, whom nobody here knows
async def to_email_queue(request: web.Request) -> web.Response:
    """Lead to the page of outgoing e-mail, which was part of this one once."""
    page = request.app[SETTINGS].email_queue_url
    if page is None:
        raise NotFound("where the Email Queue page is has not been configured (CONTROL_API_EMAIL_QUEUE_URL)")
    raise web.HTTPFound(page)


async def to_index(request: web.Request) -> web.Response:
    """Lead to the first page, whose address ends with a slash."""
    raise web.HTTPFound(request.app[LINKS].index)
