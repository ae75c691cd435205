"""An engine's real workers and somebody who queues jobs, both started again whenever they fail."""

import asyncio
from contextlib import AsyncExitStack
from random import Random
from time import monotonic

import structlog

from soak.servers import Place
from tests.engines.drivers import MAIL, NOBODY, REPORT, Driver

log = structlog.get_logger()

_PATIENCE = 20.0
"""Seconds for whatever an engine is asked; one that hangs is started again."""
_PAUSE = 1.0
_CANCELLED = 0.05
"""The part of jobs that is cancelled before anybody takes it."""


class Workers:
    """One engine at work."""

    def __init__(self, place: Place, per_second: float, seed: str) -> None:
        self.place = place
        self.restarts = 0
        self.queued = 0
        self._per_second = per_second
        self._dice = Random(seed)
        self._again = asyncio.Event()
        self._rest = asyncio.Event()
        self._at_rest = asyncio.Event()
        self.driver: Driver | None = None

    def start_again(self) -> None:
        """Have a supervisor start the workers again."""
        self._again.set()

    async def rest(self) -> None:
        """Let no more be queued, and the workers come to their end; their client stays."""
        self._rest.set()
        async with asyncio.timeout(10 * _PATIENCE):
            await self._at_rest.wait()

    async def run(self) -> None:
        """Work, for ever."""
        while True:
            self._again.clear()
            life = AsyncExitStack()
            try:
                async with asyncio.timeout(_PATIENCE):
                    self.driver = await life.enter_async_context(self.place.kind.drive(self.place.address))
                await self._live(self.driver)
            except Exception as error:  # noqa: BLE001 -- engines fail in ways of their own; whatever it is, they start again
                log.warning("workers.failed", source=self.place.name, error=f"{type(error).__name__}: {error}")
            finally:
                self.driver = None
                await self._close(life)
            self.restarts += 1
            await asyncio.sleep(_PAUSE)

    async def _live(self, driver: Driver) -> None:
        working = AsyncExitStack()
        try:
            async with asyncio.timeout(_PATIENCE):
                await working.enter_async_context(driver.working())
            while not self._again.is_set() and not self._rest.is_set():
                async with asyncio.timeout(_PATIENCE):
                    await self._queue(driver)
                await asyncio.sleep(self._dice.expovariate(self._per_second))
            if self._rest.is_set():
                await self._finish(driver)
        finally:
            await self._close(working)
        if self._rest.is_set():
            self._at_rest.set()
            await self._again.wait()

    async def _queue(self, driver: Driver) -> None:
        dice = self._dice
        if dice.random() < _CANCELLED:
            await driver.cancel(await driver.enqueue(NOBODY), NOBODY)
        else:
            failures = dice.choice([0, 0, 0, 0, 1, 9])
            await driver.enqueue(
                dice.choice([MAIL, REPORT]),
                seconds=dice.random() / 2,
                failures=failures,
                retries=1 if failures == 1 else 0,
            )
        self.queued += 1

    async def _finish(self, driver: Driver) -> None:
        """Wait until nothing ends any more; what lost its worker in an accident stays as it is."""
        before = None
        end = monotonic() + _PATIENCE
        while monotonic() < end and (now := await driver.counts()) != before:
            before = now
            await asyncio.sleep(3)

    async def _close(self, stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await stack.aclose()
        except Exception as error:  # noqa: BLE001 -- as above
            log.warning("workers.ended_badly", source=self.place.name, error=f"{type(error).__name__}: {error}")
