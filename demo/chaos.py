"""``python -m demo chaos``: makes a running demo misbehave until it is told to stop, and heals it."""

import asyncio
from collections.abc import Collection

from demo.platform.catalogue import LOW
from demo.platform.chaos import Chaos
from demo.platform.connection import Conn, connect
from jobqueue.sql import load

_QUERIES = load("demo", "chaos.sql")
_FLOODED, _FLOOD = "contacts.import", 5
_FLOODS_EVERY = 0.25


async def reign(address: str, kinds: Collection[Chaos], seconds: float | None) -> None:
    """Let *kinds* reign over the platform at *address*, for so many *seconds* or until cancelled."""
    async with await connect(address) as conn:
        for kind in kinds:
            await conn.execute(_QUERIES["begin"], {"lock": kind.lock})
        try:
            async with asyncio.timeout(seconds):
                # The platform's processes do the rest themselves.
                await (_flood(conn) if Chaos.BACKLOG in kinds else asyncio.Event().wait())
        except TimeoutError:
            pass
        finally:
            await _drain(address)


async def _flood(conn: Conn) -> None:
    while True:
        await conn.execute(_QUERIES["flood"], {"job_type": _FLOODED, "priority": LOW, "jobs": _FLOOD})
        await asyncio.sleep(_FLOODS_EVERY)


async def _drain(address: str) -> None:
    # A statement that was cancelled leaves its connection unusable.
    async with await connect(address) as conn:
        await conn.execute(_QUERIES["drain"])
