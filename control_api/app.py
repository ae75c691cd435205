"""Puts the control API together and runs it until it is told to end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence

import structlog
from aiohttp import web

from control_api.auth import authenticators
from control_api.desk import Desk
from control_api.janitor import Rounds, rhythms
from control_api.keys import DESK, SETTINGS
from control_api.security import MAX_BODY, secure, unread
from control_api.settings import ControlSettings
from control_api.sources import ControlledSource
from control_api.views import setup_routes
from control_api.views.pages import problem_page
from jobqueue.config import Source
from jobqueue.serving import Runner

log = structlog.get_logger()

_SHUTDOWN_SECONDS = 2.0
_LOOKS_FOR_INTERRUPTED_EVERY = 60.0


class CannotListenError(Exception):
    """The address can't be bound; the text says which and why."""


def create_app(sources: Sequence[Source], settings: ControlSettings) -> web.Application:
    """Build the application: who asks is found out before anything else is, what is asked goes to the desk."""
    desk = Desk(
        [ControlledSource.open(source, read_only=settings.read_only) for source in sources],
        settings.janitor,
        settings.batch,
    )
    app = web.Application(client_max_size=MAX_BODY)
    app[DESK] = desk
    app[SETTINGS] = settings
    secure(app, settings, authenticators(settings, desk.sources), desk.sources, problem_page)
    setup_routes(app, settings.base_path)
    app.cleanup_ctx.append(_desk_open)
    app.cleanup_ctx.append(_at_work)
    return app


async def serve(sources: Sequence[Source], settings: ControlSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``CannotListenError``."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    runner = Runner(create_app(sources, settings), unread, _SHUTDOWN_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise CannotListenError(f"can't listen on {settings.host}:{settings.port}: {error}") from None
    if "grafana" in settings.auth and not settings.trusted_proxies:
        log.warning("control.no_trusted_proxies", meaning="whoever comes through a proxy has the proxy's own address")
    log.info("control.started", address=site.name, base_path=settings.base_path, auth=settings.auth)
    await end.wait()
    await runner.cleanup()
    log.info("control.ended")


async def _desk_open(app: web.Application) -> AsyncIterator[None]:
    await app[DESK].open()
    yield
    await app[DESK].close()


async def _at_work(app: web.Application) -> AsyncIterator[None]:
    """The janitor's rounds, and the search for what died in the middle."""
    desk, settings = app[DESK], app[SETTINGS]
    tasks = [asyncio.create_task(_find_interrupted(desk))]
    for source, every in rhythms(desk.sources, settings).items():
        tasks.append(asyncio.create_task(Rounds(desk, source, every).run()))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _find_interrupted(desk: Desk) -> None:
    await desk.ready()  # the log says at the start which source can't be used, and why
    while True:
        await desk.mark_interrupted()
        await asyncio.sleep(_LOOKS_FOR_INTERRUPTED_EVERY)
