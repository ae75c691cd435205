"""The stylesheet and the icon of the pages; open, for the page that says who isn't let in has them too."""

from importlib import resources

from aiohttp import web

from control_api.auth import public

_FILES = resources.files("control_api") / "static"
_STYLE = (_FILES / "style.css").read_bytes()
_ICON = (_FILES / "icon.svg").read_bytes()
_KEPT = {"Cache-Control": "public, max-age=3600"}


@public
async def style(request: web.Request) -> web.Response:
    """Serve the one stylesheet."""
    return web.Response(body=_STYLE, content_type="text/css", charset="utf-8", headers=_KEPT)


@public
async def icon(request: web.Request) -> web.Response:
    """Serve the icon for the browser's tab."""
    return web.Response(body=_ICON, content_type="image/svg+xml", headers=_KEPT)
