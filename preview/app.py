"""Puts the preview together and runs it until it is told to end."""

import asyncio
import signal
from collections.abc import AsyncIterator

from aiohttp import web

from preview import control, dashboards, prometheus, queries, site
from preview.guard import add_headers, guarded
from preview.keys import SETTINGS
from preview.settings import HOST, Settings
from preview.upstream import CLIENT, open_client


def create_app(settings: Settings) -> web.Application:
    """Build the application. Raises ``NotBuiltError``."""
    app = web.Application(middlewares=[guarded(settings.port)])
    app[SETTINGS] = settings
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(_client)
    for part in (prometheus, control, dashboards, queries):
        part.setup_routes(app)
    site.setup_routes(app, settings.page)
    return app


async def serve(settings: Settings) -> None:
    """Serve on loopback until SIGTERM or SIGINT. Raises ``OSError`` when the port is taken, ``NotBuiltError``."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    runner = web.AppRunner(create_app(settings), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, settings.port).start()
        await end.wait()
    finally:
        await runner.cleanup()


async def _client(app: web.Application) -> AsyncIterator[None]:
    async with open_client() as client:
        app[CLIENT] = client
        yield
