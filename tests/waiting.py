"""Waiting for what has to come, with an end."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Return as soon as *condition* holds; fail when it doesn't within so many *seconds*."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, f"waited {seconds} s in vain"
        await asyncio.sleep(0.02)


async def until_found(look: Callable[[], Awaitable[object]], seconds: float = 30.0) -> None:
    """Return as soon as *look* finds something; fail when it doesn't within so many *seconds*."""
    end = monotonic() + seconds
    while not await look():
        assert monotonic() < end, f"looked for {seconds} s in vain"
        await asyncio.sleep(0.05)
