"""One process of the platform: a worker, a server, or both.

``python -m demo.platform.process ID HOSTNAME MODE VERSION SPEED``, on the queue in DATABASE_URL.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import structlog
from psycopg import OperationalError

from demo import log as logs
from demo.platform import chaos
from demo.platform.clicks import keep_clicking
from demo.platform.connection import Conn, connect, stay_connected
from demo.platform.presence import Identity, Mode, Presence
from demo.platform.scheduler import Scheduler
from demo.platform.worker import Worker

log = structlog.get_logger()

_GOODBYE_WITHIN = 1.5

Loop = Callable[[Conn], Awaitable[None]]


async def run(address: str, identity: Identity, speed: float) -> None:
    """Do what *identity* says until SIGTERM or SIGINT comes, then say goodbye to the queue."""
    structlog.contextvars.bind_contextvars(process=identity.id)
    presence = Presence(identity)
    life = asyncio.create_task(_live(address, _loops(presence, speed)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, life.cancel)
    log.info("process.started", mode=identity.mode, version=identity.version)
    with contextlib.suppress(asyncio.CancelledError):
        await life
    await _say_goodbye(address, presence)
    log.info("process.ended", processed=presence.processed, failed=presence.failed)


def _loops(presence: Presence, speed: float) -> Sequence[Loop]:
    loops: list[Loop] = [presence.keep_beating, chaos.watch]
    if presence.identity.runs_jobs:
        loops.append(Worker(presence, speed).run)
    if presence.identity.serves:
        loops.append(Scheduler().run)
    if not presence.identity.runs_jobs:
        loops.append(lambda conn: keep_clicking(conn, speed))
    return loops


async def _live(address: str, loops: Sequence[Loop]) -> None:
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(stay_connected(address, loop))


async def _say_goodbye(address: str, presence: Presence) -> None:
    # Without a database nobody hears it; the janitor will find what we left.
    with contextlib.suppress(OperationalError, TimeoutError):
        async with asyncio.timeout(_GOODBYE_WITHIN), await connect(address) as conn:
            await presence.leave(conn)


def main(name: str, hostname: str, mode: str, version: str, speed: str) -> None:
    """Run as a program."""
    logs.configure()
    me = Identity(name, hostname, cast("Mode", mode), version)
    asyncio.run(run(os.environ["DATABASE_URL"], me, float(speed)))


if __name__ == "__main__":
    main(*sys.argv[1:])
