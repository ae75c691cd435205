"""The description of all this for programs."""

from aiohttp import web

from control_api.keys import SETTINGS
from control_api.openapi import document
from control_api.views.pages import data


async def openapi(request: web.Request) -> web.Response:
    """Serve the OpenAPI document."""
    return data(document(request.app[SETTINGS]))
