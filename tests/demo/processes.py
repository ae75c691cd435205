"""Processes that aren't our children: whether they run, and until when."""

import asyncio
from collections.abc import Collection
from pathlib import Path

from tests.waiting import PATIENCE


def runs(pid: int) -> bool:
    """Whether it is there, and more than the memory of a process that nobody has asked about."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


async def until_gone(pids: Collection[int]) -> None:
    async with asyncio.timeout(PATIENCE):
        while any(map(runs, pids)):
            await asyncio.sleep(0.05)
