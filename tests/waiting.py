"""Waiting for what has to come, with an end: late enough for a busy machine. What has to come soon, a test measures."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

PATIENCE = 300.0


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Return as soon as *condition* holds; fail when it doesn't within so many *seconds*."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, f"waited {seconds} s in vain"
        await asyncio.sleep(0.02)


async def until_found(look: Callable[[], Awaitable[object]], seconds: float = PATIENCE) -> None:
    """Return as soon as *look* finds something; fail when it doesn't within so many *seconds*."""
    end = monotonic() + seconds
    while not await look():
        assert monotonic() < end, f"looked for {seconds} s in vain"
        await asyncio.sleep(0.05)
