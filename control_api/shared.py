"""Answers for everybody: what is open to all may not make the databases work as often as it is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Shared(Generic[Answer]):
    """Asks at most once in so many seconds; whoever comes meanwhile gets the same answer, or waits for it."""

    def __init__(self, ask: Callable[[], Awaitable[Answer]], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._asking = asyncio.Lock()
        self._answer: tuple[float, Answer] | None = None

    async def get(self) -> Answer:
        """Answer; raises what asking raises, and then asks again."""
        async with self._asking:
            if self._answer is None or monotonic() - self._answer[0] > self._seconds:
                answer = await self._ask()
                self._answer = monotonic(), answer
            return self._answer[1]
