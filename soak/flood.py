"""Many short jobs a second, in Ascent's tables."""

import asyncio
from contextlib import suppress

import structlog
from psycopg import OperationalError

from bench.table import names
from bench.writer import Writer
from soak.servers import Place

log = structlog.get_logger()

_JOB_TYPES = 5
_LOOKS_EVERY = 0.2


class Flood:
    """Lets so many jobs finish each second, through all that happens to its server."""

    def __init__(self, place: Place, per_second: int) -> None:
        self._place = place
        self._per_second = per_second
        self._end = asyncio.Event()

    def end(self) -> None:
        """Let no more come."""
        self._end.set()

    async def run(self) -> None:
        """Write, until the end."""
        while not self._end.is_set():
            try:
                with Writer(self._place.address, self._per_second, names(_JOB_TYPES)) as writer:
                    await self._while_alive(writer)
            except OperationalError as error:
                log.warning("flood.failed", error=str(error))
                await asyncio.sleep(1)

    async def _while_alive(self, writer: Writer) -> None:
        while writer.is_alive():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOKS_EVERY):
                    await self._end.wait()
                    return
