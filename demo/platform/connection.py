"""A connection that comes back: the platform lives through restarts of its database."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

import structlog
from psycopg import AsyncConnection, InternalError, OperationalError, sql
from psycopg.rows import DictRow, dict_row

from jobqueue.sql import load

log = structlog.get_logger()

Conn = AsyncConnection[DictRow]
QUERIES: Mapping[str, sql.Composed] = load("demo.platform")

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0


async def connect(address: str) -> Conn:
    """Connect to *address*; each statement is a transaction unless one is opened."""
    options: dict[str, Any] = {"connect_timeout": 5, "application_name": "ascent platform"}
    return await AsyncConnection.connect(address, autocommit=True, row_factory=dict_row, **options)


async def stay_connected(address: str, loop: Callable[[Conn], Awaitable[None]]) -> None:
    """Run the endless *loop* on a connection, and again on a new one whenever the database was away, or refused."""
    pause = _FIRST_PAUSE
    while True:
        began = monotonic()
        try:
            async with await connect(address) as conn:
                await loop(conn)
        except (OperationalError, InternalError) as error:
            if monotonic() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            log.warning("database.lost", error=str(error).strip(), again_in=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
