"""Puts the exporter together and runs it until it is told to end."""

import asyncio
import gc
import signal
import sys
from collections.abc import Sequence

import structlog
from aiohttp import web

from exporter.exposition import Exposition
from exporter.page import Page
from exporter.source import SourceMonitor
from exporter.web import create_app, unread
from jobqueue.config import Settings
from jobqueue.serving import Runner
from jobqueue.terminal import say

log = structlog.get_logger()

_SHUTDOWN_SECONDS = 1.0
"""For answers that are under way; a client that doesn't read on is let go after twice as long."""
_SWITCH_SECONDS = 0.0005
_HISTORIES_AT_ONCE = 2
"""Of many sources on a first start: one after the other has its figures, instead of all of them late."""


class CannotListenError(Exception):
    """The address can't be bound; the text says which and why."""


async def serve(settings: Settings) -> None:
    """Read the sources and serve the page until SIGTERM or SIGINT. Raises ``CannotListenError``."""
    # The page is written by a thread; a scrape must not wait for it at each of its steps.
    sys.setswitchinterval(_SWITCH_SECONDS)
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)

    sources: list[SourceMonitor] = []
    page = Page(Exposition(sources))
    turn = asyncio.Semaphore(_HISTORIES_AT_ONCE)
    sources += [SourceMonitor(source, page.changed, turn) for source in settings.sources]
    runner = Runner(create_app(page, sources), unread, _SHUTDOWN_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, settings.listen.host, settings.listen.port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise CannotListenError(f"can't listen on {settings.listen.host}:{settings.listen.port}: {error}") from None
    log.info("exporter.started", address=site.name, sources=[source.name for source in sources])

    tasks = [asyncio.create_task(source.run()) for source in sources]
    tasks.append(asyncio.create_task(page.keep_fresh()))
    tasks.append(asyncio.create_task(_freeze_when_read(sources)))
    ended = asyncio.create_task(end.wait())
    await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (ended, *tasks):
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await runner.cleanup()
    for result in results:
        if isinstance(result, Exception):
            raise result
    log.info("exporter.ended")


async def _freeze_when_read(sources: Sequence[SourceMonitor]) -> None:
    """Take what stays for good from the garbage collector: looking through it all makes a scrape wait for 50 ms."""
    for source in sources:
        for poller in source.pollers:
            await poller.polled.wait()
    gc.collect()
    gc.freeze()
    await asyncio.Event().wait()


async def print_once(settings: Settings) -> bool:
    """Read every source once and print the page; True when every collector of every source succeeded."""
    sources: list[SourceMonitor] = []
    sources += [SourceMonitor(source, lambda: None) for source in settings.sources]
    await asyncio.gather(*(source.poll_once() for source in sources))
    rendered = await Page(Exposition(sources)).get("")
    if sys.stdout.isatty():
        say(rendered.plain.decode().rstrip("\n"))
    else:
        sys.stdout.buffer.write(rendered.plain)
        sys.stdout.buffer.flush()
    for source in sources:
        await source.close()
    return not any(source.failing() for source in sources)
