"""The platform as one command: all its processes, until it is told to stop."""

import asyncio
import contextlib
import signal

from demo.platform import chaos
from demo.platform.connection import stay_connected
from demo.platform.fleet import Fleet


async def run(address: str, workers: int, speed: float, *, steady: bool = False) -> None:
    """Run the platform on the queue at *address* until SIGTERM or SIGINT comes.

    Unless it is *steady*, a worker is lost now and then. Raises ``ProcessEnded`` when one of its processes ends by
    itself.
    """
    fleet = Fleet(address, workers, speed)
    loops = [fleet.watch(), fleet.die_of_chaos(), stay_connected(address, chaos.watch)]
    if not steady:
        loops.append(stay_connected(address, fleet.lose_one_now_and_then))
    life = asyncio.ensure_future(asyncio.gather(*loops))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, life.cancel)
    try:
        fleet.start()
        with contextlib.suppress(asyncio.CancelledError):
            await life
    finally:
        fleet.stop()
