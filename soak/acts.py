"""What the monkey does to exporters and servers; each act heals what it broke, also when it is called off."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from random import Random

from psycopg import OperationalError

from demo.postgres import EmbeddedPostgres
from soak.exporters import Exporter
from soak.servers import OURS, ask
from soak.stage import ROWS, NotNowError, Stage

Act = Callable[[Stage, Random], Awaitable[None]]

QUEUES, STORE = "queues", "store"


async def restart(stage: Stage, dice: Random) -> None:
    """Ask an exporter to end, and start it again."""
    await _replace(stage, dice.choice(stage.exporters), dice.uniform(0, 5), kill=False)


async def kill(stage: Stage, dice: Random) -> None:
    """Kill an exporter, and start it again."""
    await _replace(stage, dice.choice(stage.exporters), dice.uniform(0, 5), kill=True)


async def pause(stage: Stage, dice: Random) -> None:
    """Let an exporter stand still for a while, as on a machine that hangs."""
    exporter, seconds = dice.choice(stage.exporters), dice.uniform(2, 15)
    with stage.alone_with(exporter.name):
        exporter.stand_still()
        try:
            await asyncio.sleep(seconds)
        finally:
            exporter.go_on()


async def cut(stage: Stage, dice: Random) -> None:
    """Cut every connection of the exporters to one of the servers."""
    server = dice.choice([stage.servers.queues, stage.servers.store])
    await ask(server.url("postgres"), ROWS["cut"])


async def fail_over_queues(stage: Stage, dice: Random) -> None:
    """Let the queues' server fall over, and come back; a supervisor starts the workers again."""
    with stage.alone_with(QUEUES):
        await _fall(stage.servers.queues, dice)
    for workers in stage.workers.values():
        workers.start_again()


async def fail_over_store(stage: Stage, dice: Random) -> None:
    """Let the server of our tables fall over, and come back."""
    with stage.alone_with(STORE):
        await _fall(stage.servers.store, dice)


async def fill_disk(stage: Stage, dice: Random) -> None:
    """Leave no room on the disk of our tables for a while."""
    disk, address, seconds = stage.servers.disk, stage.servers.store.url("postgres"), dice.uniform(5, 20)
    with stage.alone_with(STORE):
        try:
            await to_its_end(disk.fill, address, OURS)
            await asyncio.sleep(seconds)
        finally:
            await to_its_end(disk.clear, address, OURS)


async def _replace(stage: Stage, exporter: Exporter, seconds: float, *, kill: bool) -> None:
    with stage.alone_with(exporter.name):
        await to_its_end(partial(exporter.end, kill=kill))
        try:
            await asyncio.sleep(seconds)
        finally:
            exporter.start()


async def _fall(server: EmbeddedPostgres, dice: Random) -> None:
    """``pg_ctl stop -m immediate``, a pause, and a start that recovers."""
    seconds = dice.uniform(0, 4)
    try:
        await to_its_end(server.stop, "immediate")
        await asyncio.sleep(seconds)
    finally:
        await to_its_end(server.start_again)


async def to_its_end(work: Callable[..., None], *arguments: object) -> None:
    """Do in a thread what mustn't be left half done when it is called off."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await doing
        raise


async def heal(stage: Stage) -> None:
    """Leave nothing standing still, full or wrong."""
    for exporter in stage.exporters:
        exporter.go_on()
    with suppress(OperationalError, NotNowError):
        await asyncio.to_thread(stage.servers.disk.clear, stage.servers.store.url("postgres"), OURS)
