"""``python -m exporter`` as it runs in earnest: a process that is configured, listened to and signalled."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout

from tests.waiting import PATIENCE

_ROOT = Path(__file__).parents[2]
_ANY_PORT = {
    "EXPORTER_HOST": "127.0.0.1",
    "EXPORTER_PORT": "0",
    "CONTROL_API_HOST": "127.0.0.1",
    "CONTROL_API_PORT": "0",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    code: int
    output: str
    errors: str


async def run(*arguments: str, module: str = "exporter", **variables: str) -> Ended:
    """Run a command to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=_ROOT, env=_environment(variables), stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(PATIENCE):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


@dataclass
class Running:
    """An exporter that serves."""

    address: str
    log: list[dict[str, Any]]
    _process: asyncio.subprocess.Process
    _client: ClientSession

    async def get(self, path: str, accept: str = "*/*") -> tuple[int, str]:
        """The status and the text of an answer."""
        async with self._client.get(self.address + path, headers={"Accept": accept}) as response:
            return response.status, await response.text()

    async def until(self, path: str, status: int) -> str:
        """Ask until the answer has this status; what it says."""
        async with asyncio.timeout(PATIENCE):
            while (answer := await self.get(path))[0] != status:
                await asyncio.sleep(0.05)
        return answer[1]

    @property
    def peak_megabytes(self) -> float:
        """The most memory that it has had resident at a time."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    async def terminate(self, within: float) -> int:
        """Ask it to end, and answer with its exit code."""
        self._process.terminate()
        async with asyncio.timeout(within):
            return await self._process.wait()


@asynccontextmanager
async def serving(module: str = "exporter", **variables: str) -> AsyncIterator[Running]:
    """An exporter, or the control API, on a port of its own choice, killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        cwd=_ROOT,
        env=_environment({**_ANY_PORT, **variables}),
        stderr=PIPE,
    )
    assert process.stderr is not None
    log: list[dict[str, Any]] = []
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listening = asyncio.create_task(_listen(process.stderr, log, started))
    try:
        async with ClientSession(timeout=ClientTimeout(PATIENCE)) as client:
            async with asyncio.timeout(PATIENCE):
                address = await started
            yield Running(address, log, process, client)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening


async def _listen(lines: asyncio.StreamReader, log: list[dict[str, Any]], started: "asyncio.Future[str]") -> None:
    async for line in lines:
        log.append(json.loads(line))
        if log[-1]["event"] in ("exporter.started", "control.started"):
            started.set_result(log[-1]["address"])


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """None of ours that would configure it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "LOG_FORMAT": "json", **variables}
