"""A program in another language, or of another Python, that calls what it is told to.

Each line of its input is JSON, ``{"id", "call", "args"}``; each line of its output an answer, ``{"id", "result"}`` or
``{"id", "error"}``. It ends with its input.
"""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

_LONGEST_ANSWER = 2**24
_ENDS_WITHIN = 5.0


class ProgramError(Exception):
    """What the program answered, or that it has ended."""


class Program:
    """A running program."""

    def __init__(self, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._ids = count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def call(self, name: str, *args: object) -> Any:
        """Answer what the call comes to. Raises ``ProgramError``."""
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "call": name, "args": args})
        self._stdin.write(line.encode() + b"\n")
        return await self._waiting[number]

    async def listen(self) -> None:
        """Take the answers until there are no more."""
        async for line in self._stdout:
            answer = json.loads(line)
            waiting = self._waiting.pop(answer["id"])
            if waiting.cancelled():
                continue
            if "error" in answer:
                waiting.set_exception(ProgramError(answer["error"]))
            else:
                waiting.set_result(answer.get("result"))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ProgramError("the program has ended"))


@asynccontextmanager
async def started(command: Sequence[str]) -> AsyncIterator[Program]:
    """Run *command*, until the block ends."""
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=_LONGEST_ANSWER)
    if process.stdin is None or process.stdout is None:
        raise AssertionError("it was started with pipes")
    program = Program(process.stdin, process.stdout)
    listening = asyncio.create_task(program.listen())
    try:
        yield program
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(_ENDS_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await listening
