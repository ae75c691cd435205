"""Both programs as they run in earnest, each a process of its own, and bytes that no client library sends."""

import asyncio
import os
import re
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_HEAD = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


@dataclass(frozen=True, slots=True)
class Head:
    """The status and the headers of one answer; names are in lower case."""

    status: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Program:
    """A program that serves; ``written`` is the file with everything it wrote to standard output and error."""

    port: int
    written: Path

    async def send(self, message: bytes, *, hang_up: bool = False) -> bytes:
        """What comes back until the program closes the connection; nothing if we hang up first."""
        return await send(self.port, message, hang_up=hang_up)

    def log(self) -> bytes:
        return self.written.read_bytes()


async def send(port: int, message: bytes, *, hang_up: bool = False) -> bytes:
    """As ``Program.send``, to any port of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(message)
        await writer.drain()
        if hang_up:
            await asyncio.sleep(0.05)  # so that it arrives by itself
            return b""
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionError:  # it closed the connection before it had read everything
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def heads(answer: bytes) -> list[Head]:
    """The heads of the answers in what came back; an interim one such as 100 is left out."""
    found = []
    for status, lines in _HEAD.findall(answer):
        pairs = (line.split(": ", 1) for line in lines.decode().splitlines())
        found.append(Head(int(status), {name.lower(): value for name, value in pairs}))
    return [head for head in found if head.status >= 200]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@asynccontextmanager
async def running(module: str, folder: Path, **variables: str) -> AsyncIterator[Program]:
    """Run ``python -m module`` until the context ends; none of our variables of this process configures it."""
    port, written = free_port(), folder / f"{module}.log"
    ports = {"EXPORTER_PORT": str(port), "EXPORTER_HOST": "127.0.0.1", "CONTROL_API_PORT": str(port)}
    with written.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, cwd=ROOT, env=environment({**ports, **variables}),
            stdin=DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    program = Program(port, written)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _lives(program):
                assert process.returncode is None, program.log().decode()
                await asyncio.sleep(0.1)
        yield program
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """None of this process's variables that would configure a program, and *variables*."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | dict(variables)


async def _lives(program: Program) -> bool:
    try:
        return heads(await program.send(HEALTHZ))[0].status == 200
    except OSError:
        return False
