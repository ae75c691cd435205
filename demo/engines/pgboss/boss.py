"""pg-boss from Python: a process of Node.js whose PgBoss object does what it is told."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

PACKAGES = Path(__file__).parents[3] / ".cache/pgboss"
_PROGRAM = Path(__file__).with_name("boss.mjs")
_LONGEST_ANSWER = 2**24
_ENDS_WITHIN = 5.0


class BossError(Exception):
    """What pg-boss answered, or that it isn't there."""


class Boss:
    """Calls methods of a PgBoss object."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._ids = count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def call(self, method: str, *args: object) -> Any:
        """What the method answers. Raises ``BossError``."""
        if self._process.stdin is None:
            raise AssertionError("it was started with a pipe")
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "call": method, "args": args})
        self._process.stdin.write(line.encode() + b"\n")
        return await self._waiting[number]

    async def listen(self) -> None:
        """Take the answers until there are no more."""
        if self._process.stdout is None:
            raise AssertionError("it was started with a pipe")
        async for line in self._process.stdout:
            answer = json.loads(line)
            waiting = self._waiting.pop(answer["id"])
            if waiting.cancelled():
                continue
            if "error" in answer:
                waiting.set_exception(BossError(answer["error"]))
            else:
                waiting.set_result(answer.get("result"))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BossError("pg-boss has ended"))


def node() -> str:
    """The Node.js that came with the packages, or the machine's. Raises ``BossError``."""
    for found in PACKAGES.glob("node_modules/node-*/bin/node"):
        return str(found)
    found_on_path = shutil.which("node")
    if found_on_path is None or not (PACKAGES / "made").exists():
        raise BossError("pg-boss isn't installed: make .cache/pgboss/made")
    return found_on_path


@asynccontextmanager
async def boss(address: str, options: Mapping[str, object], package: str = "pg-boss") -> AsyncIterator[Boss]:
    """A started PgBoss object with *options* over the database at *address*."""
    command = [node(), str(_PROGRAM), str(PACKAGES), package, address, json.dumps(options)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=_LONGEST_ANSWER)
    started = Boss(process)
    listening = asyncio.create_task(started.listen())
    try:
        await started.call("start")
        yield started
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_ENDS_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await listening
