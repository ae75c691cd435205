"""The page itself, as npm built it: one document for every address, and its files."""

from pathlib import Path

from aiohttp import web


class NotBuiltError(Exception):
    """There is no page to serve; the text says how it's made."""


def setup_routes(app: web.Application, page: Path) -> None:
    """Serve what was built into the folder *page*. Raises ``NotBuiltError``."""
    document = page / "index.html"
    if not document.exists():
        raise NotBuiltError("the page isn't built: make preview, which needs Node 20 or newer")

    async def serve(_: web.Request) -> web.FileResponse:
        return web.FileResponse(document)

    async def serve_environment(_: web.Request) -> web.FileResponse:
        return web.FileResponse(page / "environment.js")

    app.router.add_get("/", serve)
    app.router.add_get("/d/{rest:.+}", serve)
    app.router.add_get("/environment.js", serve_environment)
    for folder in ("assets", "public"):
        app.router.add_static(f"/{folder}", page / folder)
